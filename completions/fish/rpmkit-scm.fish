complete --keep-order --exclusive --command rpmkit-scm --arguments "(COMPLETE=fish rpmkit-scm -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
