"""RunPod Trainer's worker: runs a job's steps on a pod, checks their gates, and ends the pod."""

__version__ = "0.1.0"
