"""What is generated: tables of events and settings, coverage, .env.example."""
