complete --keep-order --exclusive --command mock-scm --arguments "(COMPLETE=fish mock-scm -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
