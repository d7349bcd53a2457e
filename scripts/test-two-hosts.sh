#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clquant-mpi across two hosts: network namespaces with names and file systems of their own, joined by a cable of veth,
# with one folder in common. With and without --no-shared, the bytes are those of one process; and when a host is gone, so
# is the job, within seconds.
# usage: test-two-hosts.sh COMMAND MPI_COMMAND MPIEXEC. 77: namespaces are not permitted here, or something is missing.
set -u
skip() {
    echo "two hosts: $*" >&2
    exit 77
}
if [ "${1:-}" != --inside ]; then
    for tool in unshare nsenter ip mount; do
        command -v $tool >/dev/null 2>&1 || skip "no $tool here (Debian: iproute2, mount, util-linux)"
    done
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=--map-root-user
    # shellcheck disable=SC2086
    unshare $as_root --mount --net --pid --fork mount -t proc proc /proc 2>/dev/null || skip "namespaces are not permitted"
    # What goes on inside ends with its first process.
    # shellcheck disable=SC2086
    exec unshare $as_root --mount --net --pid --fork --kill-child --mount-proc "$0" --inside "$@"
fi
shift
command=$1
together=$2
mpiexec=$3
case $0 in /*) here=$(dirname "$0") ;; *) here=$PWD/$(dirname "$0") ;; esac
. "$here/../tests/mpi/ranks.inc"
. "$here/../tests/mpi/models.inc"

# ---- the hosts: their names, their addresses, $work/own of each ----
printf '127.0.0.1 localhost\n10.77.0.1 h1\n10.77.0.2 h2\n' >hosts
mkdir own common
host() {
    exec unshare --mount --net --uts sh -c '
        hostname "$1" && mount --bind hosts /etc/hosts && mount -t tmpfs -o size=64m own own && ip link set lo up &&
        : >"$1.ready" && exec sleep 600' host "$1"
}
(host h1) &
h1=$!
(host h2) &
h2=$!
are_ready() {
    [ -e h1.ready ] && [ -e h2.ready ]
}
await are_ready || skip "no hosts can be made"
on() { # HOST COMMAND...
    case $1 in h1) process=$h1 ;; *) process=$h2 ;; esac
    shift
    # shellcheck disable=SC2016 # which begins in the root
    nsenter --target $process --mount --net --uts -- sh -c 'cd "$0" && exec "$@"' "$work" "$@"
}
ip link add end1 type veth peer name end2 2>/dev/null || skip "no veth"
for number in 1 2; do
    case $number in 1) process=$h1 ;; *) process=$h2 ;; esac
    ip link set end$number netns $process || skip "no veth"
    on h$number ip address add 10.77.0.$number/24 dev end$number
    on h$number ip link set end$number up
done

# As ssh does: agent [-x] HOST COMMAND...
cat >agent <<END
#!/bin/sh
[ "\$1" != -x ] || shift
case \$1 in h1) process=$h1 ;; *) process=$h2 ;; esac
shift
exec nsenter --target \$process --mount --net --uts -- sh -c "cd $work && \$*"
END
chmod +x agent
# shellcheck disable=SC2034
if "$mpiexec" --version 2>/dev/null | grep -q HYDRA; then
    launch() {
        on h1 timeout 60 "$mpiexec" -launcher rsh -launcher-exec "$work/agent" -hosts h1:2,h2:2 -n 4 "$@"
    }
else
    launch() {
        on h1 timeout 60 "$mpiexec" --mca plm_rsh_agent "$work/agent" --mca oob_tcp_if_include 10.77.0.0/24 \
            --mca btl_tcp_if_include 10.77.0.0/24 --mca btl self,vader,tcp --host h1:2,h2:2 -n 4 "$@"
    }
fi
hosts() {
    launch "$together" "$@" >report 2>messages
}
launch hostname >names 2>messages || {
    cat messages >&2
    skip "this MPI starts nothing on them"
}
[ "$(sort -u names | tr '\n' ' ')" = 'h1 h2 ' ] || skip "the ranks are not on two hosts: $(cat names)"

# ---- a file system in common ----
make_sample
make_shards common/model
"$command" quantize common/model -o whole --quiet || exit 1
hosts quantize common/model -o common/out || fault "shared: exit code $?"
diff -r common/out whole >&2 || fault "shared: other files"
"$command" quantize t.safetensors -o one.safetensors --preset onnx --quiet || exit 1
cp t.safetensors common/
hosts quantize common/t.safetensors -o common/one.safetensors --preset onnx || fault "shared, one file: exit code $?"
cmp -s common/one.safetensors one.safetensors || fault "shared, one file: other bytes"

# ---- none ----
on h1 cp -R common/model own/
on h2 cp -R common/model own/
hosts quantize own/model -o own/out --no-shared || fault "apart: exit code $?"
on h1 cp -R own/out common/of1
on h2 cp -R own/out common/of2
for file in $(cd whole && find . -name '*.safetensors'); do
    [ -e "common/of1/$file" ] && [ -e "common/of2/$file" ] && fault "apart: $file is on both"
done
cp -R common/of1 common/both
cp -R common/of2/. common/both
diff -r common/both whole >&2 || fault "apart: together they are not what one process writes"
[ "$(find common/of1 common/of2 -name '*.safetensors' | wc -l)" -eq 5 ] || fault "apart: not five shards"
on h1 rm -r own/out
on h2 rm -r own/out
fails 2 'is not the same folder for ranks 0 and [23]' hosts quantize own/model -o own/out
on h2 rm -r own/model
fails 1 'own/model: cannot open' hosts quantize own/model -o own/out --no-shared
on h2 cp -R common/model own/
on h2 sh -c 'printf x >>own/model/model-5.safetensors'
fails 3 'model-5.safetensors' hosts quantize own/model -o own/out --no-shared
on h2 cp common/model/model-5.safetensors own/model/

# ---- a host that is gone, with all its processes ----
echo old >common/kept.safetensors
hosts quantize common/t.safetensors -o common/kept.safetensors --force --resume --calibrate mse &
job=$!
have_begun() {
    [ -n "$(find common -name '.kept*.journal')" ]
}
await have_begun
there=$(readlink /proc/$h2/ns/net)
for folder in /proc/[0-9]*; do
    process=${folder#/proc/}
    [ "$(readlink "$folder/ns/net" 2>/dev/null)" != "$there" ] || [ "$process" = $h2 ] || kill -s KILL "$process" 2>/dev/null
done
begun=$(date +%s)
wait $job && code=0 || code=$?
[ $(($(date +%s) - begun)) -le 20 ] || fault "a host is gone: the others went on for $(($(date +%s) - begun)) s"
"$command" quantize t.safetensors -o whole.safetensors --calibrate mse --quiet || exit 1
if [ $code -eq 0 ]; then
    cmp -s common/kept.safetensors whole.safetensors || fault "a host is gone too late, and other bytes"
else
    [ "$(cat common/kept.safetensors)" = old ] || fault "a host is gone, and OUT is not the old one"
    [ -s messages ] || fault "a host is gone, and nothing is said"
    gone=", of whom one was gone in the middle (exit code $code)"
    hosts quantize common/t.safetensors -o common/kept.safetensors --force --resume --calibrate mse ||
        fault "a host is gone, and resumed: exit code $?"
    cmp -s common/kept.safetensors whole.safetensors || fault "a host is gone, and resumed: other bytes"
fi
[ $bad -ne 0 ] || echo "two hosts${gone:-}: with a folder in common and without, the bytes of one process"
exit $bad
