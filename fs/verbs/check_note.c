/* This file says what `emrfs check` found, a line and an object each. */
#include <stdarg.h>
#include <stdio.h>

#include "kit/language.h"
#include "kit/text.h"

#include "verbs_private.h"

void emr_check_say(emr_checker *c, const char *name, bool ok, bool is_warning, const char *mend,
	const char *format, ...)
{
	const char *word = !ok ? _("NO") : is_warning ? _("look") : _("ok");
	char message[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	c->n++;
	c->failed += !ok;
	if (ok && !is_warning)
		mend = "";
	emr_say(c->out, "%-4s %-12s %s%s%s\n", word, name, message,
		mend[0] != '\0' ? _("  Mend: ") : "", mend);
	if (json_array_append_new(c->checks,
		    json_pack("{s:s, s:b, s:b, s:o, s:s}", "name", name, "ok", ok, "warning",
			    is_warning, "message", emr_json_text(message), "mend", mend)) != 0)
		c->failed++;
}
