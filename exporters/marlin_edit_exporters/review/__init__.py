"""The review page: one HTML file on which a person plays, accepts and rejects findings."""
