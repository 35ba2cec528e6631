using System.Collections.Concurrent;
using Converge.Swarm.Hosting;

namespace Converge.Swarm.Tests.Hosting;

/// <summary>Work that a thread does itself instead of waking another, and what that must not change.</summary>
public sealed class WorkHereTests
{
    [Fact]
    public void In_a_section_the_thread_itself_does_what_it_asked_for_and_what_that_asks_for_in_order()
    {
        var done = new List<(string Name, int Thread)>();
        Work second = new(() => done.Add(("second", Environment.CurrentManagedThreadId)));
        Work third = new(() => done.Add(("third", Environment.CurrentManagedThreadId)));
        Work first = new(() =>
        {
            WorkHere.Do(third);
            done.Add(("first", Environment.CurrentManagedThreadId));
        });

        WorkHere.Enter();
        WorkHere.Enter();
        WorkHere.Do(first);
        WorkHere.Do(second);
        WorkHere.Leave();
        Assert.Empty(done);
        WorkHere.Leave();

        int here = Environment.CurrentManagedThreadId;
        Assert.Equal([("first", here), ("second", here), ("third", here)], done);
    }

    [Fact]
    public async Task What_a_section_has_no_room_or_no_time_for_goes_to_the_thread_pool()
    {
        foreach (bool elsewhere in new[] { false, true })
        {
            using var all = new CountdownEvent(20);
            var here = new ConcurrentBag<bool>();
            int thread = 0;
            var dedicated = new Thread(() =>
            {
                thread = Environment.CurrentManagedThreadId;
                WorkHere.Enter();
                for (int i = 0; i < 20; i++)
                {
                    WorkHere.Do(new Work(() =>
                    {
                        here.Add(Environment.CurrentManagedThreadId == thread);
                        all.Signal();
                    }));
                }

                WorkHere.Leave(elsewhere);
            });
            dedicated.Start();

            Assert.True(await Task.Run(() => all.Wait(LocalSwarm.Patience)));
            dedicated.Join();
            Assert.Equal(elsewhere ? 0 : 8, here.Count(own => own));
        }
    }

    [Fact]
    public async Task Work_that_throws_takes_neither_other_work_nor_the_thread_with_it()
    {
        var other = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool isDoneHere = false;

        WorkHere.Enter();
        WorkHere.Do(new Work(() => throw new IOException("The connection broke.")));
        WorkHere.Do(new Work(() => other.TrySetResult()));
        Assert.Throws<IOException>(() => WorkHere.Leave());
        Assert.False(WorkHere.IsInSection);
        WorkHere.Enter();
        WorkHere.Do(new Work(() => isDoneHere = true));
        WorkHere.Leave();

        Assert.True(isDoneHere);
        await other.Task.WaitAsync(LocalSwarm.Patience);
    }

    [Fact]
    public void A_quick_actor_runs_on_the_thread_of_whoever_posts_in_a_section()
    {
        int thread = 0;
        var mailbox = new Mailbox<int>([10], turn: 0, _ => thread = Environment.CurrentManagedThreadId, _ => { }, _ => { }, RunBy.Poster);

        WorkHere.Enter();
        mailbox.Post(0, 1);
        Assert.Equal(0, thread);
        WorkHere.Leave();

        Assert.Equal(Environment.CurrentManagedThreadId, thread);
    }

    [Fact]
    public async Task A_message_with_which_an_actor_is_quick_is_received_by_the_poster_and_the_next_one_elsewhere()
    {
        var threads = new ConcurrentQueue<(int Message, Thread Thread)>();
        var both = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var mailbox = new Mailbox<int>(
            [10],
            turn: 0,
            message =>
            {
                threads.Enqueue((message, Thread.CurrentThread));
                if (threads.Count == 2)
                {
                    both.SetResult();
                }
            },
            _ => { },
            _ => { },
            isShort: message => message == 1);

        // Not of the pool, so that the pool cannot lend this very thread to the second message.
        (Thread poster, (int Message, Thread Thread)[] received) = await OwnThread.Run(() =>
        {
            WorkHere.Enter();
            mailbox.Post(0, 1);
            mailbox.Post(0, 2);
            WorkHere.Leave();
            return (Thread.CurrentThread, threads.ToArray());
        });
        await both.Task.WaitAsync(LocalSwarm.Patience);

        Assert.Equal((1, poster), received[0]);
        Assert.Equal([1, 2], threads.Select(one => one.Message));
        Assert.NotSame(poster, threads.Last().Thread);
    }

    /// <summary>
    /// A snapshot and a flush of the ledger once took both threads of a pool on two processors, and nothing was answered until it had made more,
    /// one each half second.
    /// </summary>
    [Fact]
    public async Task Actors_that_wait_for_the_disk_leave_the_thread_pool_to_others()
    {
        using var disk = new ManualResetEventSlim();
        var fromThePool = new ConcurrentQueue<bool>();
        Mailbox<int>[] waiting =
        [
            .. Enumerable.Range(0, 4).Select(_ => new Mailbox<int>(
                [10],
                turn: 0,
                _ =>
                {
                    fromThePool.Enqueue(Thread.CurrentThread.IsThreadPoolThread);
                    disk.Wait();
                },
                _ => { },
                _ => { },
                RunBy.OwnThread)),
        ];
        foreach (Mailbox<int> mailbox in waiting)
        {
            mailbox.Post(0, 1);
        }

        bool isFromThePool = await OwnThread.Run(() => Thread.CurrentThread.IsThreadPoolThread);
        disk.Set();
        await Task.WhenAll(waiting.Select(mailbox => mailbox.CloseAsync())).WaitAsync(LocalSwarm.Patience);

        Assert.False(isFromThePool);
        Assert.DoesNotContain(true, fromThePool);
    }

    /// <summary>An actor under a flood must not keep what it asked for waiting until the flood is over.</summary>
    [Theory]
    [InlineData("poster")]
    [InlineData("pool")]
    [InlineData("own thread")]
    [InlineData("background thread")]
    public async Task What_an_actor_asks_for_is_done_though_it_never_becomes_idle(string whose)
    {
        RunBy runBy = whose switch
        {
            "poster" => RunBy.Poster,
            "pool" => RunBy.Pool,
            "own thread" => RunBy.OwnThread,
            _ => RunBy.BackgroundThread,
        };
        var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Mailbox<int>? mailbox = null;
        mailbox = new Mailbox<int>(
            [int.MaxValue],
            turn: 0,
            _ =>
            {
                WorkHere.Do(new Work(() => sent.TrySetResult()));
                mailbox!.Post(0, 1);
                mailbox.WantTurn();
            },
            _ => { },
            _ => { },
            runBy);
        mailbox.Post(0, 1);

        await sent.Task.WaitAsync(LocalSwarm.Patience);
        await mailbox.CloseAsync().WaitAsync(LocalSwarm.Patience);
    }

    [Fact]
    public async Task Nothing_that_is_queued_before_a_wake_is_left_behind_and_one_sends_at_a_time()
    {
        var queue = new ConcurrentQueue<int>();
        int sent = 0;
        int senders = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var sender = new Sender(async () =>
        {
            Assert.Equal(1, Interlocked.Increment(ref senders));
            while (queue.TryDequeue(out _))
            {
                int count = Interlocked.Increment(ref sent);
                if (count == 15_000)
                {
                    all.SetResult();
                }
                else if (count % 7 == 0)
                {
                    await Task.Yield();
                }
            }

            Interlocked.Decrement(ref senders);
        });
        Task[] waking =
        [
            .. Enumerable.Range(0, 3).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    for (int i = 0; i < 5_000; i++)
                    {
                        WorkHere.Enter();
                        queue.Enqueue(i);
                        sender.Wake();
                        WorkHere.Leave();
                    }
                },
                TaskCreationOptions.LongRunning)),
        ];
        await Task.WhenAll(waking).WaitAsync(LocalSwarm.Patience);
        await all.Task.WaitAsync(LocalSwarm.Patience);

        sender.Close();
        await sender.Ended.WaitAsync(LocalSwarm.Patience);
        queue.Enqueue(1);
        sender.Wake();
        Assert.Equal(15_000, sent);
    }

    /// <summary>The thread may be the log's, and somebody who asks for more than can be sent must not keep it from writing.</summary>
    [Fact]
    public async Task A_sender_gives_back_the_thread_that_was_lent_to_it_though_its_queue_never_becomes_empty()
    {
        bool enough = false;
        using var left = new ManualResetEventSlim();
        Sender? sender = null;
        sender = new Sender(() =>
        {
            if (!Volatile.Read(ref enough))
            {
                sender!.Wake();
            }

            return ValueTask.CompletedTask;
        });
        var lender = new Thread(() =>
        {
            WorkHere.Enter();
            sender.Wake();
            WorkHere.Leave();
            left.Set();
        })
        {
            IsBackground = true,
        };
        lender.Start();

        bool given = await Task.Run(() => left.Wait(LocalSwarm.Patience));

        Volatile.Write(ref enough, true);
        sender.Close();
        await sender.Ended.WaitAsync(LocalSwarm.Patience);
        lender.Join();
        Assert.True(given);
    }

    [Fact]
    public async Task A_sender_ends_with_what_sending_threw()
    {
        var sender = new Sender(async () =>
        {
            await Task.Yield();
            throw new IOException("The connection broke.");
        });

        sender.Wake();

        IOException broken = await Assert.ThrowsAsync<IOException>(() => sender.Ended.WaitAsync(LocalSwarm.Patience));
        Assert.Equal("The connection broke.", broken.Message);
    }

    private sealed class Work(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }
}
