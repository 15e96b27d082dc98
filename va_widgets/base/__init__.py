"""What every other part uses: errors, checks of arguments, paths and names, threads, processes; it imports no part."""
