complete --keep-order --exclusive --command mockchain --arguments "(COMPLETE=fish mockchain -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
