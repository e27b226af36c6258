int p = nothing;
