#!/usr/bin/env python3
"""office_save.py FILE TEXT PROFILE PDF: LibreOffice opens FILE, writes TEXT at its end, saves as its menu does, and exports PDF.
Prints what lies beside FILE meanwhile, with the state that the folder gives it."""
import os
import subprocess
import sys
import time

import uno
from com.sun.star.beans import PropertyValue


def option(name, value):
    return PropertyValue(name, 0, value, 0)


def beside(path):
    folder = os.path.dirname(path)
    for name in sorted(os.listdir(folder)):
        try:
            state = os.getxattr(os.path.join(folder, name), "user.emrfs.state").decode()
        except OSError:
            state = "?"
        print(name, state)


path, text, profile, pdf = sys.argv[1:5]
pipe = f"emrtest{os.getpid()}"
office = subprocess.Popen(["soffice", f"-env:UserInstallation=file://{profile}", "--headless", "--norestore",
                           f"--accept=pipe,name={pipe};urp;"], stderr=subprocess.DEVNULL)
local = uno.getComponentContext()
resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
context = None
for _ in range(900):
    try:
        context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        break
    except Exception:  # not listening yet
        time.sleep(0.1)
if context is None:
    office.kill()
    sys.exit("LibreOffice does not answer")
desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
document = desktop.loadComponentFromURL(uno.systemPathToFileUrl(path), "_blank", 0, (option("Hidden", True),))
if document is None or document.isReadonly():
    office.kill()
    sys.exit("not opened for writing")
beside(path)
document.Text.insertString(document.Text.End, text, False)
document.store()
document.storeToURL(uno.systemPathToFileUrl(pdf), (option("FilterName", "writer_pdf_Export"),))
document.close(True)
try:
    desktop.terminate()
except Exception:  # the connection may end before the answer
    pass
sys.exit(office.wait(120))
