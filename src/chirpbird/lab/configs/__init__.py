"""What each part of the cluster is told: the same text in the lab and in ``deploy/``."""
