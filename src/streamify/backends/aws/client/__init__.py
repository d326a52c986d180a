"""Jobs on AWS, from this machine."""
