# Makes keys and signs packages with them, in the root of a suite: $1 is the suite, the rest are formats of the packages.
# Everything lies in /signatures: Packages/testdist-signed-KIND*.rpm, keys/, and what the suite's own rpm makes of
# each package, in verified.
set -eu
umask 022
cd /signatures
mkdir -p keys /tmp/secret
suite=$1
export HOME=/tmp GNUPGHOME=/tmp/gnupg
mkdir -m 700 "$GNUPGHOME"

# sq keeps nothing: keys are files.
bare() { sq --home none "$@"; }

# make KIND OPTION...: a key whose primary key certifies and whose subkey signs.
make() {
    kind=$1
    shift
    bare --time "$time" key generate --shared-key --without-password --cannot-encrypt --cannot-authenticate \
        --userid "$kind <$kind@localhost>" --output "/tmp/secret/$kind" --rev-cert "/tmp/secret/$kind.rev" "$@" \
        > /tmp/log 2>&1 || { cat /tmp/log >&2; return 1; }
    publish "$kind"
}

publish() { bare --keyring "/tmp/secret/$1" cert export --all > "keys/$1.asc" 2>/dev/null; }

# sign KIND FILE OPTION...: with the key of that kind.
sign() {
    words="--home none --time $time sign --signer-file /tmp/secret/$1"
    file=$2
    shift 2
    if [ "$suite" = trixie ]; then
        rpmsign --define '_gpg_name any' --define "__gpg_sign_cmd /usr/bin/sq sq $words --binary \
            --signature-file %{__signature_filename} -- %{__plaintext_filename}" "$@" "$file"
    else
        rpmsign --define '_openpgp_sign_id any' --define "__gpg_sign_cmd() /usr/bin/sq $words --binary --signature-file %{2} -- %{1}" "$@" "$file"
    fi > /tmp/log 2>&1 || { cat /tmp/log >&2; return 1; }
}

packages() { ls Packages/testdist-signed-"$1"-[0-9]*.rpm Packages/testdist-signed-"$1"-v4-*.rpm 2>/dev/null; }

time=2025-06-15T00:00:00Z
make ed25519 --cipher-suite cv25519
make subkey --cipher-suite rsa2k
make second --cipher-suite cv25519
make unknown --cipher-suite cv25519
make revoked --cipher-suite cv25519
[ "$suite" = trixie ] || make v6key --cipher-suite cv25519 --profile rfc9580
time=2020-01-01T00:00:00Z
make expired --cipher-suite cv25519 --expiration 2021-01-01T00:00:00Z
time=2025-06-15T00:00:00Z

# The one kind whose primary key signs.
gpg --quiet --batch --passphrase '' --faked-system-time 20250615T000000! --quick-generate-key 'rsa <rsa@localhost>' rsa2048 sign never
gpg --quiet --batch --armor --export rsa > keys/rsa.asc
gpg --quiet --batch --armor --export-secret-keys rsa > /tmp/secret/rsa
gpgconf --kill all

for kind in rsa ed25519 subkey unknown v6key revoked; do
    for file in $(packages "$kind"); do
        # A package in format 4 takes a signature of such a key only as format 6 has them.
        case $file in *v6key-v4*) more=--rpmv6 ;; *) more= ;; esac
        sign "$kind" "$file" --addsign $more
    done
done
# Signed while its key was good, and what is long expired.
time=2020-06-01T00:00:00Z
for file in $(packages expired); do sign expired "$file" --addsign; done
time=2025-06-15T00:00:00Z
for file in $(packages two); do
    sign ed25519 "$file" --addsign
    # Before rpm 6 a package has one signature per kind: the second is that over header and payload.
    case $suite,$file in
        trixie,*) sign subkey "$file" --addsign --rpmv3 ;;
        *,*two-v4*) sign second "$file" --addsign --rpmv6 ;;
        *) sign second "$file" --addsign ;;
    esac
done
for file in $(packages half); do
    sign ed25519 "$file" --addsign
    sign unknown "$file" --addsign
done
rm keys/unknown.asc
bare keyring merge --output /tmp/merged keys/revoked.asc /tmp/secret/revoked.rev
bare packet armor --label cert < /tmp/merged > keys/revoked.asc

# What rpm thinks of each.
mkdir /tmp/db
for key in keys/*.asc; do rpmkeys --dbpath /tmp/db --import "$key" || echo "rpm does not take $key" >> verified; done
for file in Packages/*.rpm; do
    status=0
    rpmkeys --dbpath /tmp/db --define '_pkgverify_level all' -Kv "$file" > /tmp/log 2>&1 || status=$?
    { echo "== $file status $status"; grep -v '^Packages/' /tmp/log || :; } >> verified
done
