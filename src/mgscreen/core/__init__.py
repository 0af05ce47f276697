"""Contracts that every room shares: structures, documents, identity, errors, runtime."""
