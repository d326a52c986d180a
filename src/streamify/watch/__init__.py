"""The trigger on this machine: every new upload in a folder or bucket becomes a job."""
