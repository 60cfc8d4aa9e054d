"""What Kubernetes is: objects, fields, routes, health. It knows no cluster, and no API of ours."""
