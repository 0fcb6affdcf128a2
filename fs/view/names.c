#include "view/names.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

static const char *const reserved_at_top[] = {
	".emrfs", "shared-with-me", "shared-by-me", "datasets",
};

/* One pattern a line, as fnmatch(3) reads it, and who leaves such names behind. */
static const char *const local_patterns[] = {
	".~lock.*#",		/* LibreOffice */
	"lu*.tmp",		/* LibreOffice */
	"~$*",			/* Word, Excel */
	"*.tmp",		/* Word, Excel, dcmmkdir, many */
	"*~",			/* vim, emacs backups */
	".*.sw[a-p]",		/* vim */
	".*.swx",		/* vim */
	"4913",			/* vim asks with it whether it may write here */
	"#*#",			/* emacs */
	".#*",			/* emacs locks */
	".goutputstream-??????",/* GIO: gedit, mousepad, Nautilus */
	"*.bak",		/* dcmodify */
	"*.crdownload",		/* Chromium */
	"*.part",		/* Firefox, curl scripts */
	"*.partial",
	"*.download",
	".Trash-*",		/* desktops */
	".Trash",
	".DS_Store",		/* macOS */
	"._*",
	".AppleDouble",
	"Thumbs.db",		/* Windows */
	"desktop.ini",
	".directory",		/* KDE */
	".thumbnails",
	"*-journal",		/* SQLite */
	"*-wal",
	"*-shm",
	".nfs????????????????????????",	/* number of the file and a counter */
	".fuse_hidden*",
	"Ogre.log",		/* SightViewer */
	"VTK.log",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

emr_status emr_name_check(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > EMR_NAME_MAX || strchr(name, '/') != NULL)
		return EMR_BAD_NAME;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return EMR_BAD_NAME;
	return EMR_OK;
}

void emr_name_with_code(const char *name, const char code[27], size_t digits, char out[EMR_NAME_MAX + 1])
{
	const char *dot = strrchr(name, '.');
	size_t stem = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
	size_t ending = strlen(name) - stem;
	size_t room, kept;

	if (ending > 32)
		ending = 0;
	room = EMR_NAME_MAX - ending - digits - 1;
	kept = stem < room ? stem : room;
	memcpy(out, name, kept);
	out[kept] = '~';
	memcpy(out + kept + 1, code, digits);
	memcpy(out + kept + 1 + digits, name + strlen(name) - ending, ending);
	out[kept + 1 + digits + ending] = 0;
}

bool emr_name_is_reserved_at_top(const char *name)
{
	for (size_t i = 0; i < COUNT(reserved_at_top); i++)
		if (strcmp(name, reserved_at_top[i]) == 0)
			return true;
	return false;
}

/* rsync writes ".NAME.XXXXXX" with six letters of mkstemp(3).  Six lower-case letters are more likely a word
 * (".profile.backup"), so at least one digit or capital is asked for. */
static bool is_rsync_scratch(const char *name)
{
	size_t len = strlen(name);
	bool telling = false;

	if (len < 9 || name[0] != '.' || name[len - 7] != '.')
		return false;
	for (size_t i = len - 6; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (!isalnum(c))
			return false;
		telling = telling || isdigit(c) || isupper(c);
	}
	return telling;
}

bool emr_name_is_local(const char *name)
{
	for (size_t i = 0; i < COUNT(local_patterns); i++)
		if (fnmatch(local_patterns[i], name, 0) == 0)
			return true;
	return is_rsync_scratch(name);
}
