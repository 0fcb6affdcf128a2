/*
 * fb - the timed operations behind tests/bench/run, on any directory.
 *
 *   fb write SOURCE FILE PIECE          writes SOURCE's bytes in pieces, fsync, close
 *   fb read FILE PIECE                  reads to the end
 *   fb mapread FILE                     maps the file and touches every page
 *   fb randread FILE PIECE COUNT        reads pieces at random places
 *   fb randwrite FILE PIECE COUNT       writes them, one fsync at the end
 *   fb tree DIR DIRS FILES SIZE         makes DIRS directories of FILES files each
 *   fb stats DIR DIRS FILES COUNT       stats random files of such a tree
 *   fb save DIR COUNT SIZE fsync|close  saves COUNT files, each timed from open to close
 *   fb open DIR COUNT                   opens, reads and closes them in random order
 *   fb report DIR COUNT SIZE            saves one by one: to return, to durable, to confirmed
 *   fb flush DIR COUNT                  appends 4 KiB and fdatasync: what the disk itself costs
 *   fb primitives                       hashes and encrypts in memory: what a byte costs at least
 *
 * Prints numbers on one line: seconds, or operations per second (rand*, stats), or microseconds as
 * "p50 p99" (save, open, flush) and "p50 p99" three times (report; - where nothing confirms), or
 * nanoseconds of processor a byte of SHA-256 and of AES-256-GCM (primitives).
 * Opening and closing are inside the clock, making up the bytes is not.
 */
#include "fb_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, CONFIRM_LIMIT_S = 60 };
/* A leaf and a chunk of a record (fs/record), hashed and sealed in the processor's cache. */
enum { LEAF = 256 << 10, CHUNK = 16 << 10, TURNS = 64, ROUNDS = 7 };

static int do_write(char **args)
{
	size_t size, piece = fb_number(args[2]);
	unsigned char *bytes = fb_load(args[0], &size);
	double start = fb_now_s();
	int fd = fb_open(args[1], O_WRONLY | O_CREAT | O_TRUNC);

	for (size_t at = 0; at < size; at += piece)
		fb_write(fd, bytes + at, size - at < piece ? size - at : piece, args[1]);
	fb_sync(fd, args[1]);
	fb_close(fd, args[1]);
	printf("%.6f\n", fb_now_s() - start);
	free(bytes);
	return 0;
}

static int do_read(char **args)
{
	size_t piece = fb_number(args[1]);
	unsigned char *bytes = fb_alloc(piece);
	double start = fb_now_s();
	int fd = fb_open(args[0], O_RDONLY);

	while (fb_read(fd, bytes, piece, args[0]) > 0)
		;
	fb_close(fd, args[0]);
	printf("%.6f\n", fb_now_s() - start);
	free(bytes);
	return 0;
}

static int do_mapread(char **args)
{
	double start = fb_now_s();
	int fd = fb_open(args[0], O_RDONLY);
	size_t size = fb_size(fd, args[0]);
	const volatile unsigned char *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	unsigned sum = 0;

	if (map == MAP_FAILED)
		fb_die("cannot map %s", args[0]);
	for (size_t at = 0; at < size; at += PAGE)
		sum += map[at];
	fb_close(fd, args[0]);
	fprintf(stderr, "sum %u\n", sum);
	printf("%.6f\n", fb_now_s() - start);
	return 0;
}

static int random_access(char **args, bool is_write)
{
	size_t piece = fb_number(args[1]), count = fb_number(args[2]);
	unsigned char *bytes = fb_alloc(piece);
	int fd = fb_open(args[0], is_write ? O_RDWR : O_RDONLY);
	size_t pieces = fb_size(fd, args[0]) / piece;
	double start;

	fb_fill(bytes, piece);
	start = fb_now_s();
	for (size_t i = 0; i < count; i++) {
		off_t at = (off_t)(fb_below(pieces) * piece);
		ssize_t done =
			is_write ? pwrite(fd, bytes, piece, at) : pread(fd, bytes, piece, at);

		if (done != (ssize_t)piece)
			fb_die("a piece of %s", args[0]);
	}
	if (is_write)
		fb_sync(fd, args[0]);
	fb_close(fd, args[0]);
	printf("%.1f\n", (double)count / (fb_now_s() - start));
	free(bytes);
	return 0;
}

static int do_randread(char **args)
{
	return random_access(args, false);
}

static int do_randwrite(char **args)
{
	return random_access(args, true);
}

static int do_tree(char **args)
{
	size_t dirs = fb_number(args[1]), files = fb_number(args[2]), size = fb_number(args[3]);
	unsigned char *bytes = fb_alloc(size + sizeof(size_t));
	double start;
	char path[4096];

	fb_fill(bytes, size);
	start = fb_now_s();
	for (size_t d = 0; d < dirs; d++) {
		snprintf(path, sizeof(path), "%s/visit-%03zu", args[0], d);
		if (mkdir(path, 0755) != 0)
			fb_die("%s", path);
		for (size_t f = 0; f < files; f++) {
			size_t number = d * files + f; /* no two files are alike */

			memcpy(bytes, &number, sizeof(number) < size ? sizeof(number) : size);
			fb_tree_name(path, sizeof(path), args[0], d, f);
			fb_put(path, bytes, size, false);
		}
	}
	printf("%.6f\n", fb_now_s() - start);
	free(bytes);
	return 0;
}

static int do_stats(char **args)
{
	size_t dirs = fb_number(args[1]), files = fb_number(args[2]), count = fb_number(args[3]);
	double start = fb_now_s();
	char path[4096];
	struct stat st;

	for (size_t i = 0; i < count; i++) {
		size_t number = fb_below(dirs * files);

		fb_tree_name(path, sizeof(path), args[0], number / files, number % files);
		if (lstat(path, &st) != 0)
			fb_die("%s", path);
	}
	printf("%.1f\n", (double)count / (fb_now_s() - start));
	return 0;
}

static int do_save(char **args)
{
	size_t count = fb_number(args[1]), size = fb_number(args[2]);
	bool syncs = strcmp(args[3], "fsync") == 0;
	double *times = fb_alloc(count * sizeof(*times));
	unsigned char *bytes = fb_alloc(size);
	char path[4096];

	for (size_t i = 0; i < count; i++) {
		double start;

		fb_fill(bytes, size);
		fb_report_name(path, sizeof(path), args[0], i);
		start = fb_now_s();
		fb_put(path, bytes, size, syncs);
		times[i] = fb_now_s() - start;
	}
	fb_print_us(times, count);
	printf("\n");
	return 0;
}

static int do_open(char **args)
{
	size_t count = fb_number(args[1]);
	double *times = fb_alloc(count * sizeof(*times));
	size_t *order = fb_alloc(count * sizeof(*order));
	unsigned char *bytes = fb_alloc(1 << 20);
	char path[4096];

	/* In the order of creation one readahead of the disk would serve the next files as well. */
	fb_shuffle(order, count);
	for (size_t i = 0; i < count; i++) {
		double start;
		int fd;

		fb_report_name(path, sizeof(path), args[0], order[i]);
		start = fb_now_s();
		fd = fb_open(path, O_RDONLY);
		while (fb_read(fd, bytes, 1 << 20, path) > 0)
			;
		fb_close(fd, path);
		times[i] = fb_now_s() - start;
	}
	fb_print_us(times, count);
	printf("\n");
	return 0;
}

/* True when the ledger has the file; false when this file system knows no such thing. */
static bool wait_confirmed(const char *path)
{
	double limit = fb_now_s() + CONFIRM_LIMIT_S;
	char state[128];
	ssize_t size;

	while ((size = getxattr(path, "user.emrfs.state", state, sizeof(state) - 1)) > 0) {
		state[size] = '\0';
		if (strncmp(state, "confirmed", 9) == 0)
			return true;
		errno = 0;
		if (strncmp(state, "failed", 6) == 0 || fb_now_s() > limit)
			fb_die("%s is not confirmed, its state is %s", path, state);
		usleep(1000);
	}
	return false;
}

static int do_report(char **args)
{
	size_t count = fb_number(args[1]), size = fb_number(args[2]);
	double *saved = fb_alloc(count * sizeof(*saved)),
	       *durable = fb_alloc(count * sizeof(*saved));
	double *confirmed = fb_alloc(count * sizeof(*saved));
	unsigned char *bytes = fb_alloc(size);
	bool confirms = true;
	char path[4096];

	for (size_t i = 0; i < count; i++) {
		double start;
		int fd;

		fb_fill(bytes, size);
		fb_report_name(path, sizeof(path), args[0], i);
		start = fb_now_s();
		fb_put(path, bytes, size, false);
		saved[i] = fb_now_s() - start;
		fd = fb_open(path, O_RDONLY);
		fb_sync(fd, path);
		fb_close(fd, path);
		durable[i] = fb_now_s() - start;
		confirms = confirms && wait_confirmed(path);
		confirmed[i] = fb_now_s() - start;
	}
	fb_print_us(saved, count);
	printf(" ");
	fb_print_us(durable, count);
	printf(" ");
	if (confirms)
		fb_print_us(confirmed, count);
	else
		printf("- -");
	printf("\n");
	return 0;
}

static int do_flush(char **args)
{
	size_t count = fb_number(args[1]);
	double *times = fb_alloc(count * sizeof(*times));
	unsigned char *bytes = fb_alloc(PAGE);
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/fb-flush", args[0]);
	fd = fb_open(path, O_WRONLY | O_CREAT | O_TRUNC);
	for (size_t i = 0; i < count; i++) {
		double start;

		fb_fill(bytes, PAGE);
		start = fb_now_s();
		fb_write(fd, bytes, PAGE, path);
		if (fdatasync(fd) != 0)
			fb_die("flush of %s", path);
		times[i] = fb_now_s() - start;
	}
	fb_close(fd, path);
	unlink(path);
	fb_print_us(times, count);
	printf("\n");
	return 0;
}

static void hash_leaf(EVP_MD_CTX *hash, const unsigned char *bytes)
{
	unsigned char digest[32];

	if (EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1 ||
		EVP_DigestUpdate(hash, bytes, LEAF) != 1 ||
		EVP_DigestFinal_ex(hash, digest, NULL) != 1)
		fb_die("SHA-256");
}

static void seal_leaf(EVP_CIPHER_CTX *cipher, const unsigned char *bytes, unsigned char *sealed)
{
	unsigned char nonce[12] = {0}, tag[16];
	int n;

	for (int at = 0; at < LEAF; at += CHUNK, nonce[0]++)
		if (EVP_EncryptInit_ex(cipher, NULL, NULL, NULL, nonce) != 1 ||
			EVP_EncryptUpdate(cipher, sealed + at, &n, bytes + at, CHUNK) != 1 ||
			EVP_EncryptFinal_ex(cipher, sealed + at + n, &n) != 1 ||
			EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, tag) != 1)
			fb_die("AES-256-GCM");
}

static double thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The least of several rounds: another program that has the processor meanwhile only adds. */
static int do_primitives(char **args)
{
	unsigned char *bytes = fb_alloc(LEAF), *sealed = fb_alloc(LEAF), key[32];
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	double least[2] = {0, 0};

	(void)args;
	fb_fill(bytes, LEAF);
	fb_fill(key, sizeof key);
	if (EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, NULL) != 1)
		fb_die("AES-256-GCM");
	for (int round = 0; round < 2 * ROUNDS; round++) {
		double start = thread_ns(), each;

		for (int i = 0; i < TURNS && round % 2 == 0; i++)
			hash_leaf(hash, bytes);
		for (int i = 0; i < TURNS && round % 2 == 1; i++)
			seal_leaf(cipher, bytes, sealed);
		each = (thread_ns() - start) / TURNS / LEAF;
		if (round < 2 || each < least[round % 2])
			least[round % 2] = each;
	}
	printf("%.4f %.4f\n", least[0], least[1]);
	EVP_CIPHER_CTX_free(cipher);
	EVP_MD_CTX_free(hash);
	free(sealed);
	free(bytes);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
		int (*run)(char **args);
	} verbs[] = {
		{"write", 3, do_write},
		{"read", 2, do_read},
		{"mapread", 1, do_mapread},
		{"randread", 3, do_randread},
		{"randwrite", 3, do_randwrite},
		{"tree", 4, do_tree},
		{"stats", 4, do_stats},
		{"save", 4, do_save},
		{"open", 2, do_open},
		{"report", 3, do_report},
		{"flush", 2, do_flush},
		{"primitives", 0, do_primitives},
	};

	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 == verbs[i].arguments)
			return verbs[i].run(argv + 2);
	errno = 0;
	fb_die("wrong use, see the head of fb.c");
}
