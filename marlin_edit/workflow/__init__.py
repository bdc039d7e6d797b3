"""A run from its command line to what it writes: jobs, cuts, outputs, deliveries, the report."""
