"""Every option of every task, with its default, range and meaning."""
