"""What results came from, and when: provenance, records, releases, and the times of jobs."""
