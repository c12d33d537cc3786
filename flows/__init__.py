"""What runs when: Prefect flows, deployments, the command line. Tables of contents, no logic."""
