"""What a run leaves in MLflow: runs, registered versions, the pages to look at them. Explicit clients, no global tracking URI."""
