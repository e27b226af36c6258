#!/bin/sh
# Stands in for dnf where a project's own command makes its source package. It cannot install anything
# itself: it leaves what is asked for in a file and fails, rpmkit installs it and runs the command again.
set -u
here=${0%/*}
name=${0##*/}
verb=
words=
skip=
newline='
'
for word; do
    if [ -n "$skip" ]; then
        skip=
        continue
    fi
    case $word in
        -x | -c | -d | -e | -R | --config | --exclude | --setopt | --repo | --repoid | --enablerepo | --disablerepo | \
            --releasever | --installroot | -D | --define)
            skip=1
            ;;
        -*) ;;
        *"$newline"*)
            echo "$name: an argument of more than one line" >&2
            exit 2
            ;;
        *)
            if [ -z "$verb" ]; then
                verb=$word
            else
                words="$words$word$newline"
            fi
            ;;
    esac
done
case $verb in
    install | in | groupinstall) ;;
    builddep | build-dep)
        asked=$words
        words=
        while IFS= read -r word; do
            case $word in
                '') continue ;;
                *.src.rpm | *.nosrc.rpm) more=$(rpm -qpR -- "$word") || exit 1 ;;
                *.spec) more=$(rpmspec -q --buildrequires -- "$word") || exit 1 ;;
                *)
                    echo "$name builddep: \`$word\` is neither a spec nor a source package" >&2
                    exit 1
                    ;;
            esac
            words="$words$more$newline"
        done <<END
$asked
END
        ;;
    update | upgrade | makecache | clean | check-update)
        # The root was made from the newest packages just now.
        exit 0
        ;;
    *)
        echo "$name: \`$verb\` is not there while a source package is made: install, builddep and update are" >&2
        exit 1
        ;;
esac
# Plugins of dnf are none of the packages that are needed.
words=$(printf '%s' "$words" | while IFS= read -r word; do
    case $word in
        '' | 'dnf-command('* | dnf-plugins-core | 'rpmlib('*) ;;
        *) printf '%s\n' "$word" ;;
    esac
done)
[ -n "$words" ] || exit 0
for answer in "$here"/answered-*; do
    [ -e "$answer" ] && [ "$(cat "$answer")" = "$words" ] && exit 0
done
printf '%s\n' "$words" >"$here/asked.part" && mv "$here/asked.part" "$here/asked"
exit 75
