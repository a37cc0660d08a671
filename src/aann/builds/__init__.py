"""What a build needs of the machine and of earlier builds: processors, memory, locks, SLURM, forecasts, cleaning."""
