# Go packages on the test distribution.
%__go                   /usr/bin/go
%go_arches              x86_64 i686 aarch64 armv7hl ppc64le s390x riscv64
# The linker outside of Go makes the build id that debug packages need.
%gobuild(o:) \
GOFLAGS="-mod=vendor" GOPROXY=off GOTOOLCHAIN=local GOCACHE="${GOCACHE:-$PWD/_cache}" \\\
  %{__go} build -buildmode pie -compiler gc -ldflags "${LDFLAGS:-} -linkmode=external -compressdwarf=false" %{-o:-o %{-o*}} %{*}
%gotest() GOFLAGS="-mod=vendor" GOPROXY=off GOTOOLCHAIN=local GOCACHE="${GOCACHE:-$PWD/_cache}" %{__go} test -buildmode pie -compiler gc %{*}
