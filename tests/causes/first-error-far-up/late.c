int l = 0;
