#!/usr/bin/env bash
# Measures training steps of processes in network namespaces, whose links are shaped. As root, on Linux, with iproute2 and Open MPI:
#     dotnet build -c Release test/Microsoft.ML.ResNet.Benchmarks
#     test/Microsoft.ML.ResNet.Benchmarks/Scaling/measure.sh [RANKS] [RATE] [SECONDS] [DELAY]
# RANKS: 2 (or 4); RATE: 1gbit (or 10gbit, or none for the bare link); SECONDS of each measurement: 8; DELAY: 0 (or 100us, by netem).
# Only namespaces, devices and addresses of its own are made (resnet-rank-0 …, 10.77.0.0/24), and all are removed at the end.
# NETWORKS, a list of NETWORK:PIXELS:BATCH, says what is trained; REPEATS how often each is measured.
set -euo pipefail

ranks=${1:-2} rate=${2:-1gbit} seconds=${3:-8} delay=${4:-0}
networks=${NETWORKS:-resnet20:32:128 resnet18:224:16}
here=$(cd "$(dirname "$0")" && pwd)
program=${PROGRAM:-$here/../bin/Release/net10.0/Microsoft.ML.ResNet.Benchmarks.dll}
work=$(mktemp -d)

cleanup() {
    for ((i = 0; i < ranks; i++)); do
        ip netns del "resnet-rank-$i" 2>/dev/null || true
    done
    ip netns del resnet-switch 2>/dev/null || true # its ends of the links go with it
    rm -rf "$work"
}
trap cleanup EXIT

# Shapes what leaves through a device. The bucket holds a few of the 64 KB pieces that TCP hands to a virtual device.
shape() {
    local space=$1 device=$2
    [[ $rate == none ]] || ip netns exec "$space" tc qdisc add dev "$device" root handle 1: tbf rate "$rate" burst 256kb latency 20ms
    if [[ $delay != 0 ]]; then
        local parent=root
        [[ $rate == none ]] || parent="parent 1:1"
        # shellcheck disable=SC2086
        ip netns exec "$space" tc qdisc add dev "$device" $parent netem delay "$delay"
    fi
}

ip netns add resnet-switch
ip -n resnet-switch link add name switch type bridge
ip -n resnet-switch link set switch up
for ((i = 0; i < ranks; i++)); do
    ip netns add "resnet-rank-$i"
    ip link add name "port$i" netns resnet-switch type veth peer name wire netns "resnet-rank-$i"
    ip -n resnet-switch link set "port$i" master switch
    ip -n resnet-switch link set "port$i" up
    ip -n "resnet-rank-$i" addr add "10.77.0.$((i + 1))/24" dev wire
    ip -n "resnet-rank-$i" link set wire up
    ip -n "resnet-rank-$i" link set lo up
    shape "resnet-rank-$i" wire      # what a rank sends
    shape resnet-switch "port$i"     # what it receives
    echo "10.77.0.$((i + 1)) slots=1" >> "$work/hosts"
done

# In the place of ssh: starts Open MPI's daemon in the namespace that has the address, under a host name of its own.
cat > "$work/agent" <<'AGENT'
#!/usr/bin/env bash
while [[ $1 == -* ]]; do shift; done
rank=$((${1##*.} - 1)); shift
exec ip netns exec "resnet-rank-$rank" unshare --uts bash -c "hostname rank-$rank; $*"
AGENT
chmod +x "$work/agent"

in_ranks() {
    ip netns exec resnet-rank-0 unshare --uts bash -c 'hostname rank-0; exec "$@"' - timeout 200 \
        mpirun --allow-run-as-root --hostfile "$work/hosts" -n "$ranks" --map-by node --bind-to none --leave-session-attached \
        --mca plm_rsh_agent "$work/agent" --mca plm_rsh_no_tree_spawn 1 --mca pml ob1 --mca btl tcp,self --mca mpi_yield_when_idle 1 \
        --mca oob_tcp_if_include 10.77.0.0/24 --mca btl_tcp_if_include 10.77.0.0/24 \
        dotnet "$program" scaling "$@"
}

echo "$ranks ranks, $rate, delay $delay"
in_ranks wire
for each in $networks; do
    IFS=: read -r network size batch <<< "$each"
    # Alone on its part of the batch; together on the whole, with half of the bytes, and without the sums of statistics; in turn.
    for ((repeat = 0; repeat < ${REPEATS:-2}; repeat++)); do
        in_ranks step --arch "$network" --image-size "$size" --batch-size $((batch / ranks)) --seconds "$seconds" --alone
        in_ranks step --arch "$network" --image-size "$size" --batch-size "$batch" --seconds "$seconds"
        in_ranks step --arch "$network" --image-size "$size" --batch-size "$batch" --seconds "$seconds" --exchange BFloat16
        in_ranks step --arch "$network" --image-size "$size" --batch-size "$batch" --seconds "$seconds" --own-statistics
    done
done
