"""GH Archive: hourly events that give a repository's stars, forks and names."""
