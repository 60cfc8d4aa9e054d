"""What a release consists of: packages, chart, kubectl plugin and notes, each built, checked and run."""
