/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The closed list of messages between the gateway's processes, and the two
 * functions that send and receive them. Used by gw-init, gwd, gw-dataplane and
 * gw-runner; each end of a channel is one SOCK_SEQPACKET socketpair made by
 * gw-init.
 *
 * Theory of operation. A message is one record: struct msg_header and a body
 * of exactly sizeof(struct msg_<name>). The length is checked before any field
 * is read. The receiver names the link it reads from; a type that does not
 * belong to that link and direction, a wrong length or a wrong number of
 * descriptors is -EBADMSG, and the receiver closes the channel. Descriptors
 * travel by SCM_RIGHTS, are received with MSG_CMSG_CLOEXEC and belong to the
 * receiver. Character arrays are NUL-terminated; msg_recv() refuses a body
 * whose arrays are not (MSG_TEXT lists them in msg.c). In what comes up it
 * makes every byte of them that is not printable ASCII a '?'.
 *
 * Links:
 *	INIT   gwd <-> gw-init
 *	CHILD  gw-init -> any child, its descriptor MSG_LINK_FD
 *	DP     gwd <-> gw-dataplane
 *	RUN    gwd <-> gw-runner
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MSG_SIZE_MAX	16384
#define MSG_FD_MAX	16
#define MSG_TEXT_SIZE	200 /* one sentence for people */
#define MSG_NAME_SIZE	48
#define MSG_IFNAME_SIZE 16
#define MSG_LINK_FD	3  /* every child: its link to gw-init */
#define MSG_FIRST_FD	4  /* descriptors of a spawn request start here */
#define MSG_PORT_MAX	17 /* the guest port, then one per network */
#define MSG_REASON_MAX	64
#define MSG_FLOW_MAX	64
#define MSG_COUNT_MAX	512

enum msg_link { LINK_INIT, LINK_CHILD, LINK_DP, LINK_RUN };

/* Who may send it. */
enum msg_way {
	WAY_DOWN, /* towards gw-init on INIT; from gwd/gw-init on others */
	WAY_UP,	  /* the answer's direction */
};

/* role of a process; uid = uid-base + 16 * slot + role. Slot 0xfff is the
 * host's own (gwd, rulec). */
enum msg_role {
	ROLE_GWD = 1,
	ROLE_RULEC = 2,
	ROLE_DATAPLANE = 3,
	ROLE_RUNNER = 4,
	ROLE_QEMU = 5,
	ROLE_FRONT = 6, /* reserved */
	ROLE_BACK = 7,	/* reserved */
	ROLE_VAULT = 8, /* reserved */
	ROLE_MAX,
};
#define MSG_HOST_SLOT 0xfffu

/* X(type, struct suffix, link, way, least fds, most fds) */
/* clang-format off */
#define MSG_LIST(X) \
	X(INIT_HELLO,     init_hello,     LINK_INIT,  WAY_UP,   0, 0) \
	X(INIT_CHILD,     init_child,     LINK_INIT,  WAY_UP,   0, 1) \
	X(INIT_SPAWN,     init_spawn,     LINK_INIT,  WAY_DOWN, 0, 12) \
	X(INIT_KILL,      init_kill,      LINK_INIT,  WAY_DOWN, 0, 0) \
	X(INIT_EXITED,    init_exited,    LINK_INIT,  WAY_UP,   0, 0) \
	X(INIT_NETWORK,   init_network,   LINK_INIT,  WAY_DOWN, 0, 0) \
	X(INIT_TAP,       init_tap,       LINK_INIT,  WAY_DOWN, 0, 0) \
	X(INIT_DONE,      init_done,      LINK_INIT,  WAY_UP,   0, 1) \
	X(CHILD_CHANNEL,  child_channel,  LINK_CHILD, WAY_DOWN, 1, 1) \
	X(DP_CONFIG,      dp_config,      LINK_DP,    WAY_DOWN, 0, 0) \
	X(DP_PORT,        dp_port,        LINK_DP,    WAY_DOWN, 0, 1) \
	X(DP_LOAD,        dp_load,        LINK_DP,    WAY_DOWN, 1, 2) \
	X(DP_READY,       dp_ready,       LINK_DP,    WAY_UP,   0, 0) \
	X(DP_SWAP,        dp_swap,        LINK_DP,    WAY_DOWN, 0, 0) \
	X(DP_LIVE,        dp_live,        LINK_DP,    WAY_UP,   0, 0) \
	X(DP_STATE,       dp_state,       LINK_DP,    WAY_DOWN, 0, 0) \
	X(DP_BEAT,        dp_beat,        LINK_DP,    WAY_DOWN, 0, 0) \
	X(DP_ALIVE,       dp_alive,       LINK_DP,    WAY_UP,   0, 0) \
	X(DP_GET_STATS,   dp_get_stats,   LINK_DP,    WAY_DOWN, 0, 0) \
	X(DP_STATS,       dp_stats,       LINK_DP,    WAY_UP,   0, 0) \
	X(DP_GET_RULES,   dp_get_rules,   LINK_DP,    WAY_DOWN, 0, 0) \
	X(DP_RULES,       dp_rules,       LINK_DP,    WAY_UP,   0, 0) \
	X(DP_GET_FLOWS,   dp_get_flows,   LINK_DP,    WAY_DOWN, 0, 0) \
	X(DP_FLOWS,       dp_flows,       LINK_DP,    WAY_UP,   0, 0) \
	X(DP_EVENT,       dp_event,       LINK_DP,    WAY_UP,   0, 0) \
	X(RUN_IMAGE,      run_image,      LINK_RUN,   WAY_DOWN, 5, 5) \
	X(RUN_PREPARED,   run_prepared,   LINK_RUN,   WAY_UP,   0, 7) \
	X(RUN_STARTED,    run_started,    LINK_RUN,   WAY_DOWN, 0, 0) \
	X(RUN_STATE,      run_state,      LINK_RUN,   WAY_UP,   0, 0) \
	X(RUN_EXEC,       run_exec,       LINK_RUN,   WAY_DOWN, 1, 1) \
	X(RUN_EXEC_DONE,  run_exec_done,  LINK_RUN,   WAY_UP,   0, 0) \
	X(RUN_CONSOLE,    run_console,    LINK_RUN,   WAY_DOWN, 1, 1) \
	X(RUN_STOP,       run_stop,       LINK_RUN,   WAY_DOWN, 0, 0)
/* clang-format on */

enum msg_type {
	MSG_NONE,
#define X(type, ...) MSG_##type,
	MSG_LIST(X)
#undef X
	    MSG_TYPE_MAX,
};

struct msg_header {
	uint32_t type; /* enum msg_type */
	uint32_t size; /* bytes of header and body */
};

/* ---- INIT: gwd and gw-init ---- */

/* First message to a (re)started gwd; INIT_CHILD for each survivor precedes
 * INIT_HELLO's `children` count being reached. */
struct msg_init_hello {
	uint32_t children; /* how many INIT_CHILD messages follow */
	uint32_t uid_base;
	uint32_t kvm; /* 1: /dev/kvm is offered to QEMU */
};

/* A child that outlived the previous gwd (runner, qemu); fd: fresh channel
 * (runner only). */
struct msg_init_child {
	uint32_t role;
	uint32_t slot;
	uint32_t pid;
};

/*
 * Start a process of a role from its compiled-in template. Descriptors become
 * MSG_FIRST_FD, +1, ... of the child, in the template's order:
 *	ROLE_RULEC      bundle (read), image, country table, diagnostics
 *	ROLE_DATAPLANE  none
 *	ROLE_RUNNER     none
 *	ROLE_QEMU       kernel, initrd, disk, overlay, qmp, serial, agent
 * Answer: INIT_DONE with the token; its fd is gwd's end of the new channel
 * (dataplane, runner), none for others.
 */
struct msg_init_spawn {
	uint32_t token;
	uint32_t role;
	uint32_t slot;
	uint32_t memory_mib; /* QEMU: guest RAM */
	uint32_t cpus;	     /* QEMU */
	uint32_t kvm;	     /* QEMU: 1 = accel kvm, 0 = tcg */
	uint8_t mac[6];	     /* QEMU: guest MAC */
	uint8_t pad[2];
	uint8_t vmgenid[16]; /* QEMU */
};

struct msg_init_kill {
	uint32_t role;
	uint32_t slot;
};

struct msg_init_exited {
	uint32_t role;
	uint32_t slot;
	uint32_t pid;
	int32_t status; /* as by waitpid() */
};

enum msg_network_op { NETWORK_UP, NETWORK_DOWN };
/* Make or remove namespace gw-<name> with its uplink and nftables guard. */
struct msg_init_network {
	uint32_t token;
	uint32_t op;	  /* enum msg_network_op */
	uint32_t index;	  /* network index, below POLICY_NETWORK_MAX */
	uint32_t take;	  /* 1: move the interface, 0: macvlan on it */
	uint32_t routed;  /* 1: no masquerade */
	uint32_t address; /* host order; 0: keep what the interface has */
	uint32_t prefix;
	uint32_t gateway; /* 0: none */
	char name[MSG_NAME_SIZE];
	char interface[MSG_IFNAME_SIZE];
};

enum msg_tap_op { TAP_ADD, TAP_DELETE };
/* TAP gw-t<slot> of a guest in a network's namespace, with route and permanent
 * neighbour entry. INIT_DONE carries its fd (O_NONBLOCK, IFF_VNET_HDR). */
struct msg_init_tap {
	uint32_t token;
	uint32_t op;
	uint32_t slot;
	uint32_t index; /* network index */
	uint32_t mtu;
	char name[MSG_NAME_SIZE]; /* of the network */
};

struct msg_init_done {
	uint32_t token;
	int32_t error;		  /* 0 or -errno */
	uint32_t pid;		  /* of a spawn */
	char text[MSG_TEXT_SIZE]; /* sentence with the cure when error */
};

/* ---- CHILD: gw-init to a child ---- */

/* fd: the child's end of a channel to gwd; sent at start and again when gwd
 * was restarted (runner keeps on; a dataplane is started anew instead). */
struct msg_child_channel {
	uint32_t slot;
	uint32_t reserved;
};

/* ---- DP: gwd and one gw-dataplane ---- */

/* Once, first. Addresses in host order. */
struct msg_dp_config {
	uint32_t slot;
	uint32_t guest_address;
	uint32_t gateway_address;
	uint32_t prefix; /* of the guest link */
	uint32_t mtu;
	uint32_t beat_limit_ms; /* closed when no DP_BEAT for so long */
	uint32_t any_memory;	/* 1: accept guest RAM without seals (bench) */
	uint8_t guest_mac[6];
	uint8_t gateway_mac[6];
};

enum msg_port_op { PORT_ADD, PORT_DELETE };
/* A network's TAP; fd with PORT_ADD. The guest port (vhost-user client on
 * /vhost.sock below the process' root) exists from DP_CONFIG on. */
struct msg_dp_port {
	uint32_t op;
	uint32_t
	    network_key; /* gwd's number for the network, survives reloads */
	uint32_t reserved;
	uint8_t own_mac[6];
	uint8_t peer_mac[6];
	char name[MSG_NAME_SIZE];
};

/* fds: policy image, country table when the image names one. Networks of the
 * image are bound to ports by name; a network without a port is closed. */
struct msg_dp_load {
	uint64_t generation;
	uint32_t guest; /* SECTION_GUEST index of this guest */
	uint32_t reserved;
};

struct msg_dp_ready {
	uint64_t generation;
	int32_t error; /* 0 or -errno; then text says why, old one stays */
	uint32_t build_us;
	char text[MSG_TEXT_SIZE];
};

struct msg_dp_swap {
	uint64_t generation;
};

struct msg_dp_live {
	uint64_t generation;
};

enum msg_dp_state_value { DP_CLOSED, DP_OPEN };
struct msg_dp_state {
	uint32_t state; /* closed until told otherwise */
	uint32_t reserved;
};

struct msg_dp_beat {
	uint64_t serial;
};

/* Answer to DP_BEAT: sent only when the worker made a loop since. */
struct msg_dp_alive {
	uint64_t serial;
	uint64_t generation; /* live one, 0 = none */
	uint32_t link_up;    /* guest port connected */
	uint32_t hugepages;  /* 1: runs on hugepages */
	uint32_t flows;
	uint32_t sleeping; /* 1: idle at the time */
};

struct msg_dp_get_stats {
	uint32_t token;
	uint32_t reserved;
};

struct msg_dp_port_stats {
	char name[MSG_NAME_SIZE]; /* "guest" or the network */
	uint64_t rx_packets, rx_bytes;
	uint64_t tx_packets, tx_bytes;
	uint64_t drop[MSG_REASON_MAX]; /* of packets received on this port */
};

/* One message per port, `port` ascending; the last has port + 1 == ports. */
struct msg_dp_stats {
	uint32_t token;
	uint32_t port;
	uint32_t ports;
	uint32_t reserved;
	struct msg_dp_port_stats stats;
};

struct msg_dp_get_rules {
	uint32_t token;
	uint32_t first; /* SECTION_RULE index */
};

/* Flows admitted or refused by each rule since the process started, by rule
 * of the live generation. */
struct msg_dp_rules {
	uint32_t token;
	uint32_t first;
	uint32_t len; /* counts filled */
	uint32_t total;
	uint64_t hits[MSG_COUNT_MAX];
};

struct msg_dp_get_flows {
	uint32_t token;
	uint32_t cursor; /* 0 at first, then what DP_FLOWS said */
};

struct msg_flow {
	uint32_t guest_address, remote_address; /* host order */
	uint16_t guest_port, remote_port;
	uint8_t protocol, direction;
	uint8_t tcp_state;
	uint8_t pad;
	uint32_t rule;	  /* of `generation` */
	uint32_t network; /* port index */
	uint64_t generation;
	uint64_t packets[2], bytes[2]; /* [0] outbound, [1] inbound */
	uint64_t idle_ms;
};

struct msg_dp_flows {
	uint32_t token;
	uint32_t next; /* cursor; 0 = end */
	uint32_t len;
	uint32_t reserved;
	struct msg_flow flow[MSG_FLOW_MAX];
};

/* A sampled, rate-limited denial, or a matched `log` rule. */
struct msg_dp_event {
	uint64_t serial;
	uint64_t generation;
	uint64_t time_ns;    /* CLOCK_REALTIME */
	uint32_t suppressed; /* events not sent since the last one */
	uint32_t rule;	     /* SECTION_RULE index or UINT32_MAX */
	uint32_t source_address, destination_address; /* host order */
	uint16_t source_port, destination_port;
	uint16_t country;
	uint16_t network; /* image's network index, UINT16_MAX none */
	uint8_t protocol, icmp_type;
	uint8_t direction;
	uint8_t reason; /* enum gw_reason; 0 = allowed by a `log` rule */
	uint32_t port;	/* where it came from */
};

/* ---- RUN: gwd and one gw-runner ---- */

/* fds: trusted public key (PEM), manifest, kernel, initrd, disk. The runner
 * verifies while copying into sealed memfds. */
struct msg_run_image {
	uint64_t least_version;	     /* older images are refused */
	uint32_t heartbeat_limit_ms; /* 0 = do not watch */
	uint32_t reserved;
	char name[MSG_NAME_SIZE];
};

/* fds when error == 0, for QEMU: kernel, initrd, disk, overlay, qmp, serial,
 * agent. */
struct msg_run_prepared {
	int32_t error;
	uint32_t reserved;
	uint64_t version;
	char text[MSG_TEXT_SIZE];
};

/* QEMU was spawned: start talking QMP. */
struct msg_run_started {
	uint32_t reserved[2];
};

enum msg_guest_state {
	GUEST_STOPPED,
	GUEST_BOOTING, /* QEMU runs, no hello yet */
	GUEST_RUNNING, /* agent said hello */
	GUEST_SILENT,  /* heartbeat limit passed */
	GUEST_PANICKED,
	GUEST_FAILED, /* QEMU or QMP failed; text says how */
	GUEST_STATE_MAX,
};
struct msg_run_state {
	uint32_t state; /* enum msg_guest_state */
	uint32_t reserved;
	uint64_t beats; /* heartbeats seen */
	char text[MSG_TEXT_SIZE];
};

/* fd: stream for the output (stdout and stderr interleaved), closed at end. */
struct msg_run_exec {
	uint32_t token;
	uint32_t limit_ms;  /* 0 = none */
	char command[4096]; /* for /bin/sh -c in the guest */
};

struct msg_run_exec_done {
	uint32_t token;
	int32_t error;	   /* -errno when it could not run */
	int32_t exit_code; /* of the command, 128 + signal when killed */
	uint32_t truncated;
};

/* fd: bidirectional stream joined to the serial console. */
struct msg_run_console {
	uint32_t token;
	uint32_t reserved;
};

struct msg_run_stop {
	uint32_t grace_ms; /* ACPI power-down first when > 0, then quit */
	uint32_t reserved;
};

/*
 * Send one message. body: the struct that belongs to `type`, borrowed. fds:
 * fd_len descriptors, borrowed (the caller still closes its own). Does not
 * block longer than the socket does: -EAGAIN when a non-blocking one is full.
 * Returns 0 or -errno; -EINVAL when fd_len does not fit the type.
 */
int msg_send(int fd, enum msg_type type, const void *body, const int *fds,
    size_t fd_len);

/* A received message; `body` is aligned for every message struct. */
struct msg {
	uint32_t type;
	uint32_t fd_len;
	int fd[MSG_FD_MAX]; /* belong to the caller, see msg_close_fds() */
	_Alignas(8) uint8_t body[MSG_SIZE_MAX];
};

/*
 * Receive one message from `link`, as the end to which `way` points.
 * Returns 0; -EAGAIN nothing there; -EPIPE the peer is gone; -EBADMSG it does
 * not belong here or is malformed (its descriptors are already closed): close
 * the channel; else -errno.
 */
int msg_recv(int fd, enum msg_link link, enum msg_way way, struct msg *msg);

/* Take descriptor i out of a message (it is then the caller's), or -1. */
int msg_take_fd(struct msg *msg, size_t i);
/* Close every descriptor not taken. */
void msg_close_fds(struct msg *msg);
/* "dp-load" for logs; "?" when unknown. */
const char *msg_name(uint32_t type);
