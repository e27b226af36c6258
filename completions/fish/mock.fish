complete --keep-order --exclusive --command mock --arguments "(COMPLETE=fish mock -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
