#!/bin/sh
# Starts instances for the daemon and outlives nothing: at end of input (the daemon is gone) it exits, and the shims it
# has forked live on. A shim is a fork of this shell without an exec, about 0.1 MB. It starts one service, waits for it
# and writes down how it ended. Nothing here may fork needlessly: only builtins on the way of a normal start.
#
#   sh launcher.sh DOORBELL     stdin: one "ORDER FOLDER" a line; an empty line only reaps shims that have exited
#
# ORDER is INCARNATION.ATTEMPT. FOLDER/launch.ORDER is written by the daemon, read once and then emptied, because it can
# hold secrets; removing it takes the order back for good. FOLDER/record is the instance's lock and its story; a line
# counts once its newline is there:
#
#   shim BOOT PID START INCARNATION
#   service PID START
#   [1] + Terminated               (what the builtin `jobs` says: the only way to tell `exit 143` from SIGTERM)
#   exit STATUS UPTIME             (seconds since boot: a clock that nobody sets tells how long the service ran)
#
# It is only ever appended to, so that a disk that is full when the service exits does not cost the exit result.

doorbell=$1
umask 077
# From here on `>` creates a file or fails: an atomic lock without a fork.
set -C
read -r boot < /proc/sys/kernel/random/boot_id

# What a shutdown sends to everybody must not take the shims along: they have an exit to record.
trap '' HUP TERM

# A shell starts what it puts in the background with SIGINT and SIGQUIT ignored, and only `env` can undo that for the
# service. BusyBox's cannot: there services keep them ignored.
setsid=$(command -v setsid) && env=$(command -v env) || exit 3
reset=--default-signal=INT,QUIT
"$env" "$reset" true 2>/dev/null || reset=

ring() { printf '%s\n' "$1" >> "$doorbell"; }

# Gives up without a service. The record stays: only the daemon removes one, after it has seen that nobody lives.
decline() {
  if [ -e "launch.$1" ]; then { :; } >| "launch.$1"; fi
  ring "$2 $1"
  exit
}

shim() {
  cd "$2" && [ -s "launch.$1" ] || exit
  # /proc/self is this fork; $$ would be the launcher. After the name in parentheses, start time is the 20th field.
  read -r line < /proc/self/stat
  pid=${line%% *}
  set -- "$1" ${line##*) }

  locked=
  { locked=yes; printf 'shim %s %s %s %s\n' "$boot" "$pid" "${21}" "${1%.*}"; } > record || {
    if [ -n "$locked" ]; then decline "$1" failed; else decline "$1" refused; fi
  }
  # Opened under the lock: an order that was taken back before now is never carried out, one taken back later always.
  { . /proc/self/fd/3; } 3< "launch.$1" || { printf 'declined\n' >> record; decline "$1" declined; }
  { :; } >| "launch.$1"

  trap - HUP TERM
  # `env -C` instead of `cd`: until the service carries its marker it is known by standing in the run folder.
  if [ -n "$reset" ]; then
    hive_service "$setsid" "$env" "$reset" -C "$hive_folder" < /dev/null &
  else
    { cd "$hive_folder" && hive_service "$setsid" "$env"; } < /dev/null &
  fi
  service=$!
  trap '' HUP TERM
  shim_start=${21}
  # A start of 0 matches nobody: it means that the service was gone, and reaped, before it could be looked at.
  line=
  until read -r line < "/proc/$service/stat" || ! kill -0 "$service"; do :; done
  set -- "$1" ${line##*) }
  start=${21:-0}
  printf 'service %s %s\n' "$service" "$start" >> record || { kill -KILL "$service"; wait "$service"; decline "$1" failed; }
  ring "started $1 $pid $shim_start $service $start"
  unset -f hive_service

  # bash forgets a job as soon as `wait` has returned its status: there the signal of its end interrupts the wait.
  if [ -n "$BASH_VERSION" ]; then
    trap : CHLD
    wait "$service"
    jobs >> record
    wait "$service"
    status=$?
  else
    wait "$service"
    status=$?
    jobs >> record
  fi
  uptime=
  read -r uptime line < /proc/uptime
  printf 'exit %s %s\n' "$status" "$uptime" >> record
  ring "exited ${1%.*}"
  exit
}

while IFS=' ' read -r order folder; do
  if [ -n "$folder" ]; then
    shim "$order" "$folder" < /dev/null > /dev/null 2>&1 &
  fi
  # Reaps: otherwise every shim that has exited stays a zombie until this shell waits for it, which it never does.
  jobs > /dev/null
done
