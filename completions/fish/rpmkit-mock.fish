complete --keep-order --exclusive --command rpmkit-mock --arguments "(COMPLETE=fish rpmkit-mock -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
