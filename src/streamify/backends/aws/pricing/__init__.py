"""What a job on AWS costs and how long it takes, predicted."""
