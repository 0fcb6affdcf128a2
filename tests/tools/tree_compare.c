/* This file compares two directories with all that is below, names, bytes, times and attributes,
 * and prints each difference. */
#include "tree_model.h"

#include "tool_kit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SET_BY_TEST_BEFORE_S = 1000000000, NOW_APART_S = 60, XATTRS_MAX = 65536 };

struct pair {
	int tested, model; /* directories */
	const char *name;
	const char *path; /* for messages */
	const struct tree_known *known;
};

static unsigned differ(const struct pair *p, const char *what, long long tested, long long model)
{
	printf("DIFFERENT: %s: %s is %lld, the model has %lld\n", p->path, what, tested, model);
	return 1;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static unsigned compare_times(const struct pair *p, const struct stat *t, const struct stat *m)
{
	long long apart = (long long)t->st_mtim.tv_sec - (long long)m->st_mtim.tv_sec;

	if (m->st_mtim.tv_sec >= SET_BY_TEST_BEFORE_S && apart >= -NOW_APART_S &&
		apart <= NOW_APART_S)
		return 0;
	if (apart != 0)
		return differ(p, "mtime (s)", t->st_mtim.tv_sec, m->st_mtim.tv_sec);
	if (t->st_mtim.tv_nsec != m->st_mtim.tv_nsec)
		return differ(p, "mtime (ns)", t->st_mtim.tv_nsec, m->st_mtim.tv_nsec);
	return 0;
}

static unsigned compare_attributes(const struct pair *p, const struct stat *t, const struct stat *m)
{
	unsigned count = 0;

	if ((t->st_mode & S_IFMT) != (m->st_mode & S_IFMT))
		return differ(p, "type", t->st_mode & S_IFMT, m->st_mode & S_IFMT);
	if (!S_ISLNK(m->st_mode) && (t->st_mode & 0777) != (m->st_mode & 0777))
		count += differ(p, "mode", t->st_mode & 0777, m->st_mode & 0777);
	if (!S_ISDIR(m->st_mode) && t->st_size != m->st_size)
		count += differ(p, "size", t->st_size, m->st_size);
	if (!S_ISDIR(m->st_mode) && t->st_nlink != m->st_nlink && !p->known->link_eperm)
		count += differ(p, "nlink", (long long)t->st_nlink, (long long)m->st_nlink);
	return count + compare_times(p, t, m);
}

static unsigned compare_links(const struct pair *p)
{
	char tested[4097], model[4097];
	ssize_t t = readlinkat(p->tested, p->name, tested, sizeof(tested));
	ssize_t m = readlinkat(p->model, p->name, model, sizeof(model));

	if (t != m || t < 0 || memcmp(tested, model, (size_t)t) != 0)
		return differ(p, "link text length", t, m);
	return 0;
}

static unsigned compare_bytes(const struct pair *p, off_t size)
{
	int tested = openat(p->tested, p->name, O_RDONLY);
	int model = openat(p->model, p->name, O_RDONLY);
	unsigned char *t = emr_kit_alloc((size_t)size), *m = emr_kit_alloc((size_t)size);
	unsigned count = 0;

	if (tested < 0 || emr_kit_pread_all(tested, t, (size_t)size, 0) != size)
		count = differ(p, "reading, errno", errno, 0);
	else if (model < 0 || emr_kit_pread_all(model, m, (size_t)size, 0) != size)
		emr_kit_die("cannot read the model's %s", p->path);
	for (off_t i = 0; i < size && count == 0; i++)
		if (t[i] != m[i])
			count = differ(p, "first other byte at", i, m[i]);
	free(t);
	free(m);
	close(tested);
	close(model);
	return count;
}

/* Writes "name=hash " for each user attribute, sorted by the order of names the tests use. */
static void describe_xattrs(int dir, const char *name, char *out, size_t room)
{
	char path[4096], *list = emr_kit_alloc(XATTRS_MAX), *value = emr_kit_alloc(XATTRS_MAX);
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	size = llistxattr(path, list, XATTRS_MAX);
	out[0] = '\0';
	for (int n = 0; n < 3 && size > 0; n++) {
		char wanted[32];
		ssize_t got;

		snprintf(wanted, sizeof(wanted), "user.note%d", n);
		if (memmem(list, (size_t)size, wanted, strlen(wanted) + 1) == NULL)
			continue;
		got = lgetxattr(path, wanted, value, XATTRS_MAX);
		snprintf(out + strlen(out), room - strlen(out), "%s=%zd:%016llx ", wanted, got,
			(unsigned long long)emr_kit_hash(value, got > 0 ? (size_t)got : 0));
	}
	free(list);
	free(value);
}

static unsigned compare_xattrs(const struct pair *p)
{
	char tested[512], model[512];

	if (p->known->no_xattr)
		return 0;
	describe_xattrs(p->tested, p->name, tested, sizeof(tested));
	describe_xattrs(p->model, p->name, model, sizeof(model));
	if (strcmp(tested, model) == 0)
		return 0;
	printf("DIFFERENT: %s: attributes are [%s], the model has [%s]\n", p->path, tested, model);
	return 1;
}

static unsigned compare_below(const struct pair *p)
{
	int tested = openat(p->tested, p->name, O_RDONLY | O_DIRECTORY);
	int model = openat(p->model, p->name, O_RDONLY | O_DIRECTORY);
	unsigned count = 0;

	if (model < 0)
		emr_kit_die("cannot open the model's %s", p->path);
	if (tested < 0)
		count = differ(p, "opening the directory, errno", errno, 0);
	else
		count = tree_compare(tested, model, p->path, p->known);
	close(tested);
	close(model);
	return count;
}

static unsigned compare_entry(const struct pair *p)
{
	struct stat t, m;
	unsigned count;

	if (fstatat(p->tested, p->name, &t, AT_SYMLINK_NOFOLLOW) != 0)
		return differ(p, "stat, errno", errno, 0);
	if (fstatat(p->model, p->name, &m, AT_SYMLINK_NOFOLLOW) != 0)
		emr_kit_die("cannot stat the model's %s", p->path);
	count = compare_attributes(p, &t, &m);
	if (count == 0 && S_ISREG(m.st_mode))
		count += compare_bytes(p, m.st_size);
	if (count == 0 && S_ISLNK(m.st_mode))
		count += compare_links(p);
	if (!S_ISLNK(m.st_mode))
		count += compare_xattrs(p);
	if (S_ISDIR(m.st_mode) && S_ISDIR(t.st_mode))
		count += compare_below(p);
	return count;
}

static unsigned only_in(const char *where, const char *path, const char *name)
{
	printf("DIFFERENT: %s/%s is only in %s\n", path, name, where);
	return 1;
}

unsigned tree_compare(int tested, int model, const char *path, const struct tree_known *known)
{
	struct dirent **t, **m;
	int tested_count = scandirat(tested, ".", &t, NULL, by_name);
	int model_count = scandirat(model, ".", &m, NULL, by_name);
	unsigned count = 0;
	int i = 0, j = 0;

	if (tested_count < 0 || model_count < 0)
		emr_kit_die("cannot list %s", path);
	while (i < tested_count || j < model_count) {
		int order = i == tested_count  ? 1
			    : j == model_count ? -1
					       : strcmp(t[i]->d_name, m[j]->d_name);
		char below[8192];

		if (order < 0) {
			count += only_in("the tested directory", path, t[i++]->d_name);
			continue;
		}
		if (order > 0) {
			count += only_in("the model", path, m[j++]->d_name);
			continue;
		}
		snprintf(below, sizeof(below), "%s/%s", path, m[j]->d_name);
		if (strcmp(m[j]->d_name, ".") != 0 && strcmp(m[j]->d_name, "..") != 0)
			count += compare_entry(
				&(struct pair){tested, model, m[j]->d_name, below, known});
		i++;
		j++;
	}
	while (tested_count > 0)
		free(t[--tested_count]);
	while (model_count > 0)
		free(m[--model_count]);
	free(t);
	free(m);
	return count;
}
