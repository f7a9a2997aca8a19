/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What manifest.c and sealed.c accept, and above all what they refuse. The
 * fixed manifest below was signed by the openssl command line, not by us.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest-runner/manifest.h"
#include "guest-runner/sealed.h"

/* The key pair of RFC 8032 section 7.1, test 1, in PEM form. */
static const char private_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
static const char public_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n";
/* openssl genpkey -algorithm ed25519 */
static const char other_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAs8TcUlD2BAGyg8Y6VI20M3HPk1p3uBK8QkWWiw68Mzo=\n"
    "-----END PUBLIC KEY-----\n";
/* openssl ecparam -name prime256v1 */
static const char ecdsa_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYL3PPE4mehclSlPkxgxWPSWYn5/X\n"
    "wf9vByODtpDYZHsNzJM+vGsmd+xRGEb+twetyn/ep5m+F0iEmitiJ+/i0w==\n"
    "-----END PUBLIC KEY-----\n";

/* SHA-256 of "", "abc" and the two-block message: FIPS 180-4 examples. */
static const char body[] =
    "guest-gateway image manifest 1\n"
    "name demo\n"
    "version 7\n"
    "kernel 3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
    "ad\n"
    "initrd 56 248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db0"
    "6c1\n"
    "disk 3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    "\n";
/* openssl pkeyutl -sign -rawin -inkey private.pem -in body */
static const char signature[] =
    "signature "
    "252d4d5508ab7124f70f4fb77012b40cbff0d94afa0c2dcbaa93ba294e6f4f85"
    "1cfbbd0cd5c79c452ef91ba51c942d39006077f1ed593b346b0ae66aefe54207\n";

static char good[1024];
static size_t good_size;

static int make_good(void **state)
{
	good_size =
	    (size_t)snprintf(good, sizeof(good), "%s%s", body, signature);
	return 0;
}

static int verify(const char *text, size_t size, const char *pem,
    struct manifest *m, char *why)
{
	return manifest_verify(text, size, pem, strlen(pem), m, why);
}

static void reads_what_openssl_signed(void **state)
{
	char why[MANIFEST_TEXT_SIZE] = "";
	struct manifest m;

	assert_int_equal(verify(good, good_size, public_pem, &m, why), 0);
	assert_string_equal(m.name, "demo");
	assert_int_equal(m.version, 7);
	assert_int_equal(m.part[PART_KERNEL].size, 3);
	assert_int_equal(m.part[PART_INITRD].size, 56);
	assert_int_equal(m.part[PART_DISK].sha256[0], 0xba);
	assert_int_equal(m.part[PART_DISK].sha256[31], 0xad);
}

static void writes_the_bytes_that_openssl_signs(void **state)
{
	char why[MANIFEST_TEXT_SIZE], text[MANIFEST_SIZE_MAX];
	struct manifest m;
	int size;

	assert_int_equal(verify(good, good_size, public_pem, &m, why), 0);
	size = manifest_sign(&m, private_pem, strlen(private_pem), text);
	assert_int_equal(size, good_size);
	assert_memory_equal(text, good, good_size);
}

static void refuses_each_byte_changed_to_each_other(void **state)
{
	char why[MANIFEST_TEXT_SIZE], text[sizeof(good)];
	struct manifest m;

	for (size_t i = 0; i < good_size; i++) {
		/* Every bit, and a change of case, of each byte. */
		for (int bit = 0; bit < 8; bit++) {
			memcpy(text, good, good_size);
			text[i] ^= (char)(1 << bit);
			why[0] = '\0';
			assert_int_equal(
			    verify(text, good_size, public_pem, &m, why),
			    -EBADMSG);
			assert_true(strlen(why) > 10);
		}
	}
}

static void refuses_each_length_but_its_own(void **state)
{
	char why[MANIFEST_TEXT_SIZE], text[MANIFEST_SIZE_MAX * 2];
	struct manifest m;

	memset(text, '\n', sizeof(text));
	memcpy(text, good, good_size);
	for (size_t size = 0; size < sizeof(text); size++) {
		if (size == good_size)
			continue;
		assert_int_equal(
		    verify(text, size, public_pem, &m, why), -EBADMSG);
	}
}

static void refuses_another_key(void **state)
{
	char why[MANIFEST_TEXT_SIZE];
	struct manifest m;

	assert_int_equal(verify(good, good_size, other_pem, &m, why), -EBADMSG);
	assert_non_null(strstr(why, "signature"));
	assert_int_equal(verify(good, good_size, ecdsa_pem, &m, why), -ENOKEY);
	assert_int_equal(verify(good, good_size, "", &m, why), -ENOKEY);
	assert_int_equal(
	    verify(good, good_size, private_pem, &m, why), -ENOKEY);
}

static void refuses_to_sign_what_it_could_not_read(void **state)
{
	char why[MANIFEST_TEXT_SIZE], text[MANIFEST_SIZE_MAX];
	struct manifest m, bad;

	assert_int_equal(verify(good, good_size, public_pem, &m, why), 0);
	static const char *const names[] = {"", "Demo", "a b", "../x", "a\nb"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bad = m;
		strcpy(bad.name, names[i]);
		assert_int_equal(
		    manifest_sign(&bad, private_pem, strlen(private_pem), text),
		    -EINVAL);
	}
	bad = m;
	bad.version = 0;
	assert_int_equal(
	    manifest_sign(&bad, private_pem, strlen(private_pem), text),
	    -EINVAL);
	bad = m;
	bad.part[PART_DISK].size = MANIFEST_PART_SIZE_MAX + 1;
	assert_int_equal(
	    manifest_sign(&bad, private_pem, strlen(private_pem), text),
	    -EINVAL);
}

static void refuses_an_older_version_and_another_name(void **state)
{
	char why[MANIFEST_TEXT_SIZE];
	struct manifest m;

	assert_int_equal(verify(good, good_size, public_pem, &m, why), 0);
	assert_int_equal(manifest_demand(&m, "demo", 0, why), 0);
	assert_int_equal(manifest_demand(&m, "demo", 7, why), 0);
	assert_int_equal(manifest_demand(&m, "demo", 8, why), -EPERM);
	assert_non_null(strstr(why, "version 7"));
	assert_int_equal(manifest_demand(&m, "dem", 0, why), -EPERM);
	assert_int_equal(manifest_demand(&m, "other", 0, why), -EPERM);
}

static int file_of(const char *bytes, size_t size)
{
	int fd = memfd_create("input", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static void copies_hash_as_fips_180_says(void **state)
{
	static const char two_blocks[] =
	    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	char why[MANIFEST_TEXT_SIZE];
	struct manifest_file file;
	struct manifest m;
	int from, to;

	assert_int_equal(verify(good, good_size, public_pem, &m, why), 0);
	from = file_of(two_blocks, strlen(two_blocks));
	to = sealed_copy(from, "x", 100, &file);
	assert_true(to >= 0);
	assert_true(manifest_part_matches(&m, PART_INITRD, &file, why));
	assert_false(manifest_part_matches(&m, PART_KERNEL, &file, why));
	assert_non_null(strstr(why, "kernel has 56 bytes"));
	close(from);
	close(to);
}

static void refuses_each_byte_of_a_part_changed(void **state)
{
	static const char right[] =
	    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	char why[MANIFEST_TEXT_SIZE], wrong[sizeof(right)];
	struct manifest_file file;
	struct manifest m;

	assert_int_equal(verify(good, good_size, public_pem, &m, why), 0);
	for (size_t i = 0; i < strlen(right); i++) {
		int from;

		memcpy(wrong, right, sizeof(right));
		wrong[i] ^= 1;
		from = file_of(wrong, strlen(right));
		assert_int_equal(sealed_hash(from, 100, &file), 0);
		close(from);
		assert_false(
		    manifest_part_matches(&m, PART_INITRD, &file, why));
		assert_non_null(strstr(why, "initrd has SHA-256"));
	}
}

static void a_sealed_copy_cannot_change(void **state)
{
	int from = file_of("abc", 3), to, again;
	struct manifest_file file;
	char bytes[4] = "";

	to = sealed_copy(from, "x", 3, &file);
	assert_true(to >= 0);
	/* The original may change; the copy does not follow. */
	assert_int_equal(pwrite(from, "xyz", 3, 0), 3);
	assert_int_equal(pread(to, bytes, 3, 0), 3);
	assert_string_equal(bytes, "abc");
	assert_int_equal(pwrite(to, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(to, 1), -1);
	assert_int_equal(ftruncate(to, 10), -1);
	assert_int_equal(fcntl(to, F_ADD_SEALS, 0), -1);
	assert_ptr_equal(
	    mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0),
	    MAP_FAILED);
	again = sealed_read_only(to);
	assert_int_equal(fcntl(again, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(again);
	close(from);
}

static void a_longer_file_is_not_read_to_its_end(void **state)
{
	int from = file_of("abcd", 4);
	struct manifest_file file;

	assert_int_equal(sealed_copy(from, "x", 3, &file), -EFBIG);
	assert_int_equal(sealed_hash(from, 3, &file), -EFBIG);
	close(from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_openssl_signed),
	    cmocka_unit_test(writes_the_bytes_that_openssl_signs),
	    cmocka_unit_test(refuses_each_byte_changed_to_each_other),
	    cmocka_unit_test(refuses_each_length_but_its_own),
	    cmocka_unit_test(refuses_another_key),
	    cmocka_unit_test(refuses_to_sign_what_it_could_not_read),
	    cmocka_unit_test(refuses_an_older_version_and_another_name),
	    cmocka_unit_test(copies_hash_as_fips_180_says),
	    cmocka_unit_test(refuses_each_byte_of_a_part_changed),
	    cmocka_unit_test(a_sealed_copy_cannot_change),
	    cmocka_unit_test(a_longer_file_is_not_read_to_its_end),
	};

	return cmocka_run_group_tests(tests, make_good, NULL);
}
