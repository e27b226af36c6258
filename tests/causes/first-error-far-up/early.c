int e = nothing;
