"""What every other part uses: errors, checks of arguments, paths and names, threads and processes; it knows no part."""
