"""What keeps a clone of this project in step with itself, once somebody has made it their own."""
