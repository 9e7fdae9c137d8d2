"""The renderer pool: a master that hands jobs to processes it forks, and never touches a pixel itself."""
