"""What a job process can do, one job a module: `run(job, report)` takes and returns plain values and local paths."""
