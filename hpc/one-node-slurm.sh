#!/usr/bin/env bash
# A real SLURM on this machine alone, for tests: no systemd, no accounting database, no cgroups.
#
#   hpc/one-node-slurm.sh start [FOLDER]    bring it up; prints the SLURM_CONF to export
#   hpc/one-node-slurm.sh stop  [FOLDER]    take it down
#
# Needs root and Debian's slurm-wlm and munge (apt-get install slurm-wlm munge; `start` tries that
# itself). Exit code 77: this machine cannot run it, with one sentence on stderr.
set -euo pipefail

action=${1:-start}
folder=${2:-/tmp/mgscreen-slurm}
# more CPUs than a small machine has: the tasks of the tests sleep
cpus=${MGSCREEN_SLURM_CPUS:-8}

cannot() { echo "no SLURM for tests here: $1" >&2; exit 77; }

stop() {
  for name in slurmd slurmctld munged; do
    file="$folder/$name.pid"
    if [ -s "$file" ]; then
      pid=$(cat "$file")
      # only what this script started: the process must still be that program
      if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$name" ]; then kill "$pid" 2>/dev/null || true; fi
      rm -f "$file"
    fi
  done
}

if [ "$action" = stop ]; then
  stop
  exit 0
fi
[ "$action" = start ] || { echo "usage: $0 start|stop [FOLDER]" >&2; exit 2; }

[ "$(id -u)" = 0 ] || cannot "it needs root"
missing=()
command -v slurmctld >/dev/null && command -v slurmd >/dev/null || missing+=(slurm-wlm)
command -v munged >/dev/null || missing+=(munge)
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || cannot "${missing[*]} is not installed, and there is no apt-get"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"; } \
    >/dev/null 2>&1 || cannot "${missing[*]} could not be installed"
fi

host=$(hostname -s)
export SLURM_CONF="$folder/slurm.conf"
if [ -s "$SLURM_CONF" ] && [ "$(sinfo -h -o %T 2>/dev/null | head -1)" = idle ]; then
  echo "$SLURM_CONF"
  exit 0
fi
stop
mkdir -p "$folder"/{state,spool,log,munge}
chmod 755 "$folder"

# munge signs what the daemons say to each other; its key may be read by its user alone
if [ ! -s "$folder/munge/key" ]; then
  dd if=/dev/urandom of="$folder/munge/key" bs=1024 count=1 status=none
fi
chown -R munge: "$folder/munge"
chmod 711 "$folder/munge"
chmod 400 "$folder/munge/key"
runuser -u munge -- munged --force --key-file="$folder/munge/key" \
  --socket="$folder/munge/socket" --pid-file="$folder/munge/munged.pid" \
  --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
cp "$folder/munge/munged.pid" "$folder/munged.pid"

cat > "$SLURM_CONF" <<EOF
ClusterName=mgscreen
SlurmUser=root
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${MGSCREEN_SLURM_PORT:-16817}
SlurmdPort=$((${MGSCREEN_SLURM_PORT:-16817} + 1))
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CryptoType=crypto/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
# a job over its memory is killed by SLURM itself
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
ReturnToService=2
# without accounting, scontrol knows ended jobs for this long
MinJobAge=600
KillWait=2
OverTimeLimit=0
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=2
AccountingStorageType=accounting_storage/none
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=16000 State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
EOF

slurmctld -c >/dev/null 2>&1 || cannot "slurmctld does not start (see $folder/log/slurmctld.log)"
slurmd >/dev/null 2>&1 || cannot "slurmd does not start (see $folder/log/slurmd.log)"
for _ in $(seq 150); do
  if [ "$(sinfo -h -o %T 2>/dev/null | head -1)" = idle ]; then
    echo "$SLURM_CONF"
    exit 0
  fi
  sleep 0.2
done
cannot "its node does not become idle (see $folder/log)"
