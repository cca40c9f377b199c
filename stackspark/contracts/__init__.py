"""Data contracts: tables, constraints, the gate."""
