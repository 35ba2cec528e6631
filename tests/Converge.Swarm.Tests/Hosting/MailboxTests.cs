using System.Reflection;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Hosting;

namespace Converge.Swarm.Tests.Hosting;

/// <summary>The in-box host's mailbox at its end: whoever waits for an answer gets one.</summary>
public sealed class MailboxTests
{
    [Fact]
    public async Task What_is_queued_when_the_mailbox_closes_is_refused_and_not_forgotten()
    {
        using var receiving = new SemaphoreSlim(0);
        using var goOn = new SemaphoreSlim(0);
        var refused = new List<int>();
        var mailbox = new Mailbox<int>(
            [10, 10],
            turn: 0,
            _ =>
            {
                receiving.Release();
                goOn.Wait();
            },
            refused.Add,
            _ => { });
        Assert.True(mailbox.TryPost(1, 1));
        await receiving.WaitAsync().WaitAsync(LocalSwarm.Patience);
        Assert.True(mailbox.TryPost(1, 2));
        mailbox.Post(0, 3);

        Task closed = mailbox.CloseAsync();
        goOn.Release();
        await closed.WaitAsync(LocalSwarm.Patience);

        Assert.Equal([3, 2], refused);
        Assert.False(mailbox.TryPost(1, 4));
        mailbox.Post(0, 5);
        Assert.Equal([3, 2, 5], refused);
    }

    [Fact]
    public async Task When_the_actor_fails_what_is_queued_is_refused()
    {
        using var goOn = new SemaphoreSlim(0);
        var refused = new List<int>();
        var failed = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        var mailbox = new Mailbox<int>(
            [10],
            turn: 0,
            _ =>
            {
                goOn.Wait();
                throw new InvalidOperationException("The actor failed.");
            },
            refused.Add,
            reason => failed.SetResult(reason));
        mailbox.Post(0, 1);
        mailbox.Post(0, 2);

        goOn.Release();
        Assert.Equal("The actor failed.", (await failed.Task.WaitAsync(LocalSwarm.Patience)).Message);

        Assert.Equal([2], refused);
    }

    [Fact]
    public async Task Of_posts_that_race_with_the_end_each_is_received_or_refused()
    {
        for (int round = 0; round < 300; round++)
        {
            int handled = 0;
            int posted = 0;
            var mailbox = new Mailbox<int>([int.MaxValue], turn: 0, _ => Interlocked.Increment(ref handled), _ => Interlocked.Increment(ref handled), _ => { });
            using var start = new Barrier(3);
            Task[] posting =
            [
                .. Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(
                    () =>
                    {
                        start.SignalAndWait();
                        for (int i = 0; i < 50; i++)
                        {
                            if (mailbox.TryPost(0, i))
                            {
                                Interlocked.Increment(ref posted);
                            }
                        }
                    },
                    TaskCreationOptions.LongRunning)),
            ];
            start.SignalAndWait();
            await mailbox.CloseAsync().WaitAsync(LocalSwarm.Patience);
            await Task.WhenAll(posting).WaitAsync(LocalSwarm.Patience);

            Assert.Equal(posted, handled);
        }
    }

    [Fact]
    public async Task Every_call_in_the_very_moment_a_node_stops_is_answered()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();
        ISwarmClient client = swarm[1].Client;
        var calls = new List<Task>();
        using var stopped = new ManualResetEventSlim();
        Task calling = Task.Factory.StartNew(
            () =>
            {
                for (int i = 0; !stopped.IsSet || i < 20; i++)
                {
                    calls.Add(client.CommitAsync(new FactSubmission(new ProposalCreated($"p{i}", "ann"))));
                    calls.Add(client.GetProposalAsync("p"));
                    calls.Add(client.GetProposalAsync("p", ReadConsistency.Stale));
                    calls.Add(client.GetHeadAsync());
                    calls.Add(Task.Run(() => client.GetStatusAsync()));
                    calls.Add(client.TransferLeadershipAsync());
                }
            },
            TaskCreationOptions.LongRunning);

        await swarm.StopAsync(1).WaitAsync(LocalSwarm.Patience);
        stopped.Set();
        await calling.WaitAsync(LocalSwarm.Patience);

        await Task.WhenAll(calls.Select(call => call.ContinueWith(_ => { }, TaskScheduler.Default))).WaitAsync(LocalSwarm.Patience);
        Assert.All(calls.Where(call => call.IsFaulted), call => Assert.IsType<SwarmUnavailableException>(call.Exception!.InnerException));
    }

    /// <summary>A message that carries an address for its answer must be among those that are refused: a new one is easily forgotten.</summary>
    [Theory]
    [MemberData(nameof(Answered))]
    public void Every_message_that_asks_for_an_answer_can_be_refused(string name)
    {
        Type type = AllMessages().Single(message => string.Equals(message.Name, name, StringComparison.Ordinal));
        ConstructorInfo constructor = type.GetConstructors().Single();
        object[] arguments = [.. constructor.GetParameters().Select(parameter => Example(parameter.ParameterType))];
        List<Task> replies = [.. arguments.SelectMany(TasksOf)];

        Unanswered.Refuse(constructor.Invoke(arguments), NotCommittedReason.Stopping, "The end.");

        Assert.NotEmpty(replies);
        Assert.All(replies, reply => Assert.True(reply.IsCompleted));
    }

    public static TheoryData<string> Answered() =>
        [.. AllMessages().Where(type => type.GetConstructors() is [var only] && only.GetParameters().Any(p => IsReply(p.ParameterType) || p.ParameterType == typeof(StateMachineMessage.Query))).Select(type => type.Name)];

    private static IEnumerable<Type> AllMessages() =>
        typeof(NodeMessage).GetNestedTypes().Concat(typeof(StateMachineMessage).GetNestedTypes()).Where(type => !type.IsAbstract);

    private static bool IsReply(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Reply<>);

    private static object Example(Type type)
    {
        if (IsReply(type))
        {
            return Activator.CreateInstance(typeof(TaskReply<>).MakeGenericType(type.GetGenericArguments()))!;
        }

        return type == typeof(StateMachineMessage.Query) ? new StateMachineMessage.GetHead(new TaskReply<QueryAnswer<LedgerHead>>())
            : type == typeof(string) ? ""
            : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? Array.CreateInstance(type.GetGenericArguments()[0], 0)
            : System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type);
    }

    private static IEnumerable<Task> TasksOf(object argument) => argument switch
    {
        StateMachineMessage.GetHead query => TasksOf(query.Reply),
        _ when argument.GetType().IsGenericType && argument.GetType().GetGenericTypeDefinition() == typeof(TaskReply<>) =>
            [(Task)argument.GetType().GetProperty(nameof(TaskReply<int>.Task))!.GetValue(argument)!],
        _ => [],
    };
}
