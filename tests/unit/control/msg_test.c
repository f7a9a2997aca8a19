/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg.c: what is sent arrives, and every record that differs in one property
 * from what msg.h says is refused with its descriptors closed. The expected
 * sizes, links and numbers come from MSG_LIST itself, the records are made by
 * hand with sendmsg(), not by msg_send().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "control/msg/msg.h"

struct kind {
	uint32_t type, size;
	enum msg_link link;
	enum msg_way way;
	size_t least, most;
};

static const struct kind kinds[] = {
#define X(type, body, link, way, least, most) \
	{MSG_##type, sizeof(struct msg_##body), link, way, least, most},
    MSG_LIST(X)
#undef X
};
#define KIND_LEN (sizeof(kinds) / sizeof(kinds[0]))

static int pair[2];
static struct msg got;
static uint8_t zero[2 * MSG_SIZE_MAX];

static int set_up(void **state)
{
	int size = 1 << 20;

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, pair))
		return -1;
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int len = 0;

	while (readdir(dir))
		len++;
	closedir(dir);
	return len;
}

/* A record made by hand: header words as given, size bytes in all. */
static void send_raw(
    uint32_t type, uint32_t said, const void *body, size_t size, size_t fd_len)
{
	struct msg_header header = {type, said};
	size_t head = size < sizeof(header) ? size : sizeof(header);
	struct iovec iov[2] = {
	    {&header, head},
	    {(void *)(uintptr_t)body, size - head},
	};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 64)];
	} control = {0};
	struct msghdr record = {.msg_iov = iov, .msg_iovlen = 2};

	if (fd_len > 0) {
		record.msg_control = control.bytes;
		record.msg_controllen = CMSG_SPACE(sizeof(int) * fd_len);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&record);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_len);
		for (size_t i = 0; i < fd_len; i++)
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &pair[0],
			    sizeof(int));
	}
	assert_int_equal(sendmsg(pair[0], &record, 0), (ssize_t)size);
}

static uint32_t whole(const struct kind *kind)
{
	return (uint32_t)sizeof(struct msg_header) + kind->size;
}

static void refuse(
    const struct kind *kind, enum msg_link link, enum msg_way way)
{
	int before = count_fds();

	if (msg_recv(pair[1], link, way, &got) != -EBADMSG)
		fail_msg("%s was not refused", msg_name(kind->type));
	assert_int_equal(got.fd_len, 0);
	/* those sent were ours already, the copies must be gone */
	assert_int_equal(count_fds(), before);
}

static void test_every_type_arrives_whole_with_its_descriptors(void **state)
{
	static uint8_t body[MSG_SIZE_MAX];
	int fds[MSG_FD_MAX];

	(void)state;
	for (size_t k = 0; k < KIND_LEN; k++) {
		for (size_t i = 0; i < kinds[k].size; i++)
			body[i] = i % 7 ? (uint8_t)('@' + i % 7) : 0;
		for (size_t i = 0; i < MSG_FD_MAX; i++)
			fds[i] = pair[0];
		int before = count_fds();
		assert_int_equal(
		    msg_send(pair[0], kinds[k].type, body, fds, kinds[k].most),
		    0);
		assert_int_equal(
		    msg_recv(pair[1], kinds[k].link, kinds[k].way, &got), 0);
		assert_int_equal(got.type, kinds[k].type);
		assert_int_equal(got.fd_len, kinds[k].most);
		assert_memory_equal(got.body, body, kinds[k].size);
		for (size_t i = 0; i < got.fd_len; i++)
			assert_true(fcntl(got.fd[i], F_GETFD) & FD_CLOEXEC);
		msg_close_fds(&got);
		assert_int_equal(count_fds(), before);
	}
}

static void test_every_other_length_is_refused(void **state)
{
	(void)state;
	for (size_t k = 0; k < KIND_LEN; k++) {
		const struct kind *kind = &kinds[k];
		uint32_t right = whole(kind);
		uint32_t wrong[] = {1, 4, 7, 8, right - 1, right + 1, right / 2,
		    right * 2, MSG_SIZE_MAX - 1, MSG_SIZE_MAX, MSG_SIZE_MAX + 1,
		    MSG_SIZE_MAX + 4096};

		for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
			if (wrong[i] == right || wrong[i] > sizeof(zero))
				continue;
			send_raw(
			    kind->type, wrong[i], zero, wrong[i], kind->least);
			refuse(kind, kind->link, kind->way);
		}
	}
}

static void test_a_header_that_lies_about_the_length_is_refused(void **state)
{
	(void)state;
	for (size_t k = 0; k < KIND_LEN; k++) {
		uint32_t right = whole(&kinds[k]);
		uint32_t lies[] = {0, 8, right - 1, right + 1, UINT32_MAX};

		for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
			send_raw(kinds[k].type, lies[i], zero, right,
			    kinds[k].least);
			refuse(&kinds[k], kinds[k].link, kinds[k].way);
		}
	}
}

static void test_every_other_link_and_way_is_refused(void **state)
{
	(void)state;
	for (size_t k = 0; k < KIND_LEN; k++) {
		for (int link = LINK_INIT; link <= LINK_RUN; link++) {
			for (int way = WAY_DOWN; way <= WAY_UP; way++) {
				if (link == (int)kinds[k].link &&
				    way == (int)kinds[k].way)
					continue;
				send_raw(kinds[k].type, whole(&kinds[k]), zero,
				    whole(&kinds[k]), kinds[k].least);
				refuse(&kinds[k], (enum msg_link)link,
				    (enum msg_way)way);
			}
		}
	}
}

static void test_every_other_number_of_descriptors_is_refused(void **state)
{
	(void)state;
	for (size_t k = 0; k < KIND_LEN; k++) {
		const struct kind *kind = &kinds[k];

		for (size_t len = 0; len <= 40; len++) {
			if (len >= kind->least && len <= kind->most)
				continue;
			send_raw(
			    kind->type, whole(kind), zero, whole(kind), len);
			refuse(kind, kind->link, kind->way);
		}
	}
}

static void test_the_sender_refuses_other_numbers_of_descriptors(void **state)
{
	int fds[MSG_FD_MAX + 1];

	(void)state;
	for (size_t i = 0; i < MSG_FD_MAX + 1; i++)
		fds[i] = pair[0];
	for (size_t k = 0; k < KIND_LEN; k++) {
		for (size_t len = 0; len <= MSG_FD_MAX + 1; len++) {
			if (len >= kinds[k].least && len <= kinds[k].most)
				continue;
			assert_int_equal(
			    msg_send(pair[0], kinds[k].type, zero, fds, len),
			    -EINVAL);
		}
	}
	assert_int_equal(msg_recv(pair[1], LINK_DP, WAY_UP, &got), -EAGAIN);
}

static void test_types_outside_the_list_are_refused(void **state)
{
	uint32_t types[] = {
	    MSG_NONE, MSG_TYPE_MAX, MSG_TYPE_MAX + 1, 0x7fffffff, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct kind kind = {.type = types[i]};
		for (int link = LINK_INIT; link <= LINK_RUN; link++) {
			send_raw(types[i], 16, zero, 16, 0);
			refuse(&kind, (enum msg_link)link, WAY_UP);
		}
		assert_string_equal(msg_name(types[i]), "?");
		assert_int_equal(
		    msg_send(pair[0], types[i], zero, NULL, 0), -EINVAL);
	}
}

/* Offsets written down by hand from msg.h: every array of char. */
static const struct {
	uint32_t type;
	size_t offset, size;
} arrays[] = {
    {MSG_INIT_NETWORK, 32, 48},
    {MSG_INIT_NETWORK, 80, 16},
    {MSG_INIT_TAP, 20, 48},
    {MSG_INIT_DONE, 12, 200},
    {MSG_DP_PORT, 24, 48},
    {MSG_DP_READY, 16, 200},
    {MSG_DP_STATS, 16, 48},
    {MSG_RUN_IMAGE, 16, 48},
    {MSG_RUN_PREPARED, 16, 200},
    {MSG_RUN_STATE, 16, 200},
    {MSG_RUN_EXEC, 8, 4096},
};

static void test_text_without_its_end_is_refused(void **state)
{
	static uint8_t body[MSG_SIZE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++) {
		const struct kind *kind = &kinds[arrays[i].type - 1];
		int fds[MSG_FD_MAX] = {0};

		assert_int_equal(kind->type, arrays[i].type);
		memset(body, 0, sizeof(body));
		memset(body + arrays[i].offset, 'x', arrays[i].size);
		send_raw(
		    kind->type, whole(kind), body, whole(kind), kind->least);
		refuse(kind, kind->link, kind->way);
		assert_int_equal(
		    msg_send(pair[0], kind->type, body, fds, kind->least),
		    -EINVAL);

		body[arrays[i].offset + arrays[i].size - 1] = '\0';
		send_raw(
		    kind->type, whole(kind), body, whole(kind), kind->least);
		assert_int_equal(
		    msg_recv(pair[1], kind->link, kind->way, &got), 0);
		msg_close_fds(&got);
	}
}

static void test_random_records_never_arrive_as_something_else(void **state)
{
	static uint8_t body[MSG_SIZE_MAX];
	int taken = 0;

	(void)state;
	srandom(1);
	for (int round = 0; round < 20000; round++) {
		uint32_t type = (uint32_t)random() % (MSG_TYPE_MAX + 2);
		uint32_t size = 1 + (uint32_t)random() % 400;
		uint32_t said = random() % 4 ? size : (uint32_t)random();
		int link = (int)(random() % 4), way = (int)(random() % 2);

		for (size_t i = 0; i < 400; i++)
			body[i] = (uint8_t)random();
		send_raw(type, said, body, size, (size_t)random() % 3);
		int error = msg_recv(
		    pair[1], (enum msg_link)link, (enum msg_way)way, &got);
		if (error) {
			assert_int_equal(error, -EBADMSG);
			continue;
		}
		const struct kind *kind = &kinds[got.type - 1];
		assert_int_equal(whole(kind), size);
		assert_int_equal(kind->link, link);
		assert_int_equal(kind->way, way);
		msg_close_fds(&got);
		taken++;
	}
	/* some must have been right by chance, or nothing was tested */
	assert_true(taken > 0);
}

static void test_a_closed_peer_is_told_apart_from_silence(void **state)
{
	int mine[2];

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, mine), 0);
	assert_int_equal(msg_recv(mine[0], LINK_DP, WAY_UP, &got), -EAGAIN);
	close(mine[1]);
	assert_int_equal(msg_recv(mine[0], LINK_DP, WAY_UP, &got), -EPIPE);
	struct msg_dp_beat beat = {1};
	assert_int_equal(
	    msg_send(mine[0], MSG_DP_BEAT, &beat, NULL, 0), -EPIPE);
	close(mine[0]);
}

static void test_a_full_socket_says_so(void **state)
{
	struct msg_dp_rules rules = {0};
	int error = 0;

	(void)state;
	for (int i = 0; i < 10000 && !error; i++)
		error = msg_send(pair[0], MSG_DP_RULES, &rules, NULL, 0);
	assert_int_equal(error, -EAGAIN);
}

static void test_a_taken_descriptor_stays_open(void **state)
{
	struct msg_child_channel channel = {7, 0};

	(void)state;
	assert_int_equal(
	    msg_send(pair[0], MSG_CHILD_CHANNEL, &channel, &pair[0], 1), 0);
	assert_int_equal(msg_recv(pair[1], LINK_CHILD, WAY_DOWN, &got), 0);
	int fd = msg_take_fd(&got, 0);
	assert_true(fd >= 0);
	assert_int_equal(msg_take_fd(&got, 0), -1);
	assert_int_equal(msg_take_fd(&got, 1), -1);
	msg_close_fds(&got);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	close(fd);
}

static void test_text_that_comes_up_is_printable_ascii(void **state)
{
	struct msg_run_state up = {.text = "a\n\x1b[2J\xc3\xa4\xff~ z"};
	struct msg_run_exec down = {.command = "echo \xc3\xa4\n"};

	(void)state;
	assert_int_equal(msg_send(pair[0], MSG_RUN_STATE, &up, NULL, 0), 0);
	assert_int_equal(msg_recv(pair[1], LINK_RUN, WAY_UP, &got), 0);
	assert_string_equal(
	    ((struct msg_run_state *)got.body)->text, "a??[2J???~ z");
	assert_int_equal(msg_send(pair[0], MSG_RUN_EXEC, &down, pair, 1), 0);
	assert_int_equal(msg_recv(pair[1], LINK_RUN, WAY_DOWN, &got), 0);
	assert_string_equal(
	    ((struct msg_run_exec *)got.body)->command, "echo \xc3\xa4\n");
	msg_close_fds(&got);
}

static void test_names_are_spelled_for_people(void **state)
{
	(void)state;
	assert_string_equal(msg_name(MSG_DP_LOAD), "dp-load");
	assert_string_equal(msg_name(MSG_RUN_EXEC_DONE), "run-exec-done");
	assert_string_equal(msg_name(MSG_INIT_HELLO), "init-hello");
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(every_type_arrives_whole_with_its_descriptors),
	    T(every_other_length_is_refused),
	    T(a_header_that_lies_about_the_length_is_refused),
	    T(every_other_link_and_way_is_refused),
	    T(every_other_number_of_descriptors_is_refused),
	    T(the_sender_refuses_other_numbers_of_descriptors),
	    T(types_outside_the_list_are_refused),
	    T(text_without_its_end_is_refused),
	    T(random_records_never_arrive_as_something_else),
	    T(a_closed_peer_is_told_apart_from_silence),
	    T(a_full_socket_says_so),
	    T(a_taken_descriptor_stays_open),
	    T(text_that_comes_up_is_printable_ascii),
	    T(names_are_spelled_for_people),
	};

	return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
