complete --keep-order --exclusive --command rpmkit-snap --arguments "(COMPLETE=fish rpmkit-snap -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
