"""slow_line.py PORT TO DELAY RATE: a line to the local port TO that is slow both ways: each byte comes DELAY seconds later, RATE bytes a
second.  It is for kernels without netem, and for tests that may not change their computer's network."""
import asyncio
import sys

port, to, delay, rate = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])


async def carry(reader, writer):
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue(maxsize=64)

    async def read():
        while data := await reader.read(16384):
            await queue.put((loop.time() + delay, data))
        await queue.put((loop.time() + delay, b""))

    reading = asyncio.create_task(read())
    try:
        while True:
            at, data = await queue.get()
            await asyncio.sleep(max(0, at - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(len(data) / rate)
    except OSError:
        pass
    reading.cancel()
    writer.close()


async def meet(reader, writer):
    try:
        beyond = await asyncio.open_connection("127.0.0.1", to)
    except OSError:
        writer.close()
        return
    await asyncio.gather(carry(reader, beyond[1]), carry(beyond[0], writer), return_exceptions=True)


async def main():
    server = await asyncio.start_server(meet, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
