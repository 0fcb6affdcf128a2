/* This file looks for what desktop programs left about a folder outside of it, and removes it when
 * it is asked to. */
#include "desktop/traces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "traces_private.h"

#define PLACES 3 /* the environment's, the usual one and the old one */

/* $NAME/REST; NULL without memory or a directory of that name. */
static char *place(const char *name, const char *rest)
{
	const char *base = getenv(name);
	char *path = NULL;

	if (base == NULL || base[0] != '/' || asprintf(&path, "%s/%s", base, rest) < 0)
		return NULL;
	return path;
}

typedef struct places {
	char *caches[PLACES], *lists[PLACES]; /* NULL = none, or the same as another; owned */
} places;

static void places_free(places *p)
{
	for (size_t i = 0; i < PLACES; i++) {
		free(p->caches[i]);
		free(p->lists[i]);
	}
}

/* Each only once, whatever links lead to it. */
static void drop_same(char *paths[PLACES])
{
	struct stat found[PLACES];
	bool is_there[PLACES];

	for (size_t i = 0; i < PLACES; i++) {
		is_there[i] = paths[i] != NULL && stat(paths[i], &found[i]) == 0;
		for (size_t j = 0; j < i && is_there[i]; j++)
			if (is_there[j] && found[i].st_dev == found[j].st_dev &&
				found[i].st_ino == found[j].st_ino) {
				free(paths[i]);
				paths[i] = NULL;
				is_there[i] = false;
			}
	}
}

#define AUTO_PLACES __attribute__((cleanup(places_free))) places

/* Also the usual ones when the environment names others: a terminal that a file manager started has
 * the cache of that one, and the desktop has its own. */
static places find_places(void)
{
	places p = {{place("XDG_CACHE_HOME", "thumbnails"), place("HOME", ".cache/thumbnails"),
			    place("HOME", ".thumbnails")},
		{place("XDG_DATA_HOME", "recently-used.xbel"),
			place("HOME", ".local/share/recently-used.xbel"),
			place("HOME", ".recently-used.xbel")}};

	drop_same(p.caches);
	drop_same(p.lists);
	return p;
}

/* A directory that cannot be read hides nothing of the rest: the first failure is told at the
 * end. */
static void keep_first(emr_status *first, emr_status status)
{
	if (*first == EMR_OK)
		*first = status;
}

emr_status emr_traces_name(const char *folder, json_t *out_names)
{
	AUTO_PLACES p = find_places();
	json_t *wanted = json_object();
	emr_status status = wanted != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t i = 0; i < PLACES && wanted != NULL; i++)
		if (p.caches[i] != NULL)
			keep_first(&status, emr_traces_nameless(p.caches[i], wanted));
	if (json_object_size(wanted) > 0)
		keep_first(&status, emr_traces_name_files(folder, wanted, out_names));
	json_decref(wanted);
	return status;
}

emr_status emr_traces_look(const char *folder, const json_t *names, bool remove, json_t *out_traces)
{
	AUTO_PLACES p = find_places();
	emr_status status = EMR_OK;

	for (size_t i = 0; i < PLACES; i++)
		if (p.caches[i] != NULL)
			keep_first(&status, emr_traces_of_thumbnails(p.caches[i], folder, names,
						    remove, out_traces));
	for (size_t i = 0; i < PLACES; i++)
		if (p.lists[i] != NULL)
			keep_first(&status,
				emr_traces_of_recent(p.lists[i], folder, remove, out_traces));
	return status;
}
