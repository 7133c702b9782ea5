#!/bin/bash
# Two "machines" in one: two Docker engines, each in a network namespace of its own with a cable between them, joined to a
# swarm. Hive runs four tasks on them, one machine is lost, and the service goes on. Ends with nothing left behind.
#
#   npm run build && sudo examples/two-machines/two-machines.sh
#
# Needs root, Linux and: apt-get install docker.io iptables iproute2 busybox-static curl
set -euo pipefail
example=$(cd "$(dirname "$0")" && pwd)
hive=$(cd "$example/../.." && pwd)
work=$(mktemp -d)
id=$$
image=127.0.0.1:9/example/busybox:1
declare -a machines=(alpha beta)
export HIVE_HOME=$work/home EXAMPLE_IMAGE=$image EXAMPLE_SOCKET=$work/alpha/docker.sock

say() { printf '\n== %s\n' "$*"; }
hivectl() { node "$hive/dist/hivectl/main.js" "$@"; }
engine() { docker -H "unix://$work/$1/docker.sock" "${@:2}"; }

# Everything whose command line names the machine's folder, and what its containers run.
power_off() {
  ip link set "x$id$1" nomaster 2> /dev/null || true
  local pids child
  pids=$(grep -lzs -- "$work/$1/" /proc/[0-9]*/cmdline | cut -d/ -f3 || true)
  for pid in $pids; do
    for child in $(cat "/proc/$pid/task/$pid/children" 2> /dev/null); do kill -KILL "$child" 2> /dev/null || true; done
    kill -KILL "$pid" 2> /dev/null || true
  done
}

clean_up() {
  set +e
  say 'Taking everything down'
  [ -n "${hived:-}" ] && kill "$hived" && wait "$hived"
  for machine in "${machines[@]}"; do
    power_off "$machine"
    sleep 0.5
    power_off "$machine"
    ip link delete "x$id$machine"
    ip netns delete "hive-$id-$machine"
  done
  ip link delete "hive$id"
  grep -o " $work/[^ ]*" /proc/mounts | sort -r | xargs -r umount -l
  rm -rf "$work"
} 2> /dev/null
trap clean_up EXIT
trap 'exit 130' INT TERM

say 'Building two machines'
ip link add "hive$id" type bridge
ip address add 10.199.7.254/24 dev "hive$id"
ip link set "hive$id" up
mkdir -p "$work/rootfs/bin" "$work/home"
chmod 700 "$work/home"
cp /bin/busybox "$work/rootfs/bin/"
for name in sh httpd mkdir; do ln -s busybox "$work/rootfs/bin/$name"; done
number=0
for machine in "${machines[@]}"; do
  number=$((number + 1))
  mkdir "$work/$machine"
  ip netns add "hive-$id-$machine"
  ip link add "x$id$machine" type veth peer name cable netns "hive-$id-$machine"
  ip link set "x$id$machine" master "hive$id" up
  there=(nsenter "--net=/run/netns/hive-$id-$machine")
  "${there[@]}" ip link set lo up
  "${there[@]}" ip address add "10.199.7.$number/24" dev cable
  "${there[@]}" ip link set cable up
  "${there[@]}" ip route add default via 10.199.7.254
  "${there[@]}" unshare --uts sh -c 'hostname "$0"; exec "$@"' "$machine" \
    dockerd --data-root "$work/$machine/data" --exec-root "$work/$machine/exec" --pidfile "$work/$machine/pid" \
    -H "unix://$work/$machine/docker.sock" --iptables=false --ip6tables=false > "$work/$machine/log" 2>&1 &
  disown
done
for machine in "${machines[@]}"; do
  until engine "$machine" version > /dev/null 2>&1; do sleep 0.2; done
  tar -C "$work/rootfs" -c . | engine "$machine" import - "$image" > /dev/null
done
engine alpha swarm init --advertise-addr 10.199.7.1 --listen-addr 10.199.7.1:2377 --dispatcher-heartbeat 1s > /dev/null
engine beta swarm join --token "$(engine alpha swarm join-token -q worker)" --advertise-addr 10.199.7.2 10.199.7.1:2377
engine alpha node ls

say 'Starting Hive, and four tasks'
port=18473
printf 'version: "1"\nproxy: {bind: ["127.0.0.1:%s"]}\nservices: {}\n' "$port" > "$work/home/hive.yaml"
node "$hive/dist/daemon/main.js" > "$work/hived.log" 2>&1 &
hived=$!
until hivectl status > /dev/null 2>&1; do sleep 0.2; done
(cd "$example" && hivectl up --quiet)
hivectl status web

say 'Requests, answered by tasks on both machines'
until curl -s -o /dev/null "http://127.0.0.1:$port/"; do sleep 0.1; done
for _ in 1 2 3 4 5 6 7 8; do curl -sS "http://127.0.0.1:$port/"; done

say 'beta loses its power; requests go on'
failed=0 answered=0
power_off beta
end=$((SECONDS + 12))
while [ "$SECONDS" -lt "$end" ]; do
  if curl -sSf -m 5 "http://127.0.0.1:$port/" > /dev/null; then answered=$((answered + 1)); else failed=$((failed + 1)); fi
  sleep 0.05
done
echo "$answered requests answered, $failed failed"
hivectl status web
say 'What happened'
hivectl events web --type service.replicaStarted service.replicaEnded --tail 12
