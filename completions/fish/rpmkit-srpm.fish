complete --keep-order --exclusive --command rpmkit-srpm --arguments "(COMPLETE=fish rpmkit-srpm -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
