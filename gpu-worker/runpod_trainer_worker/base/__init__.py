"""What all packages use: time, errors, files, processes, credentials."""
