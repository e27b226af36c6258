complete --keep-order --exclusive --command rpmkit --arguments "(COMPLETE=fish rpmkit -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
