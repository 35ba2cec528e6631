namespace Converge.Swarm.Hosting;

/// <summary>Whose thread runs an actor.</summary>
internal enum RunBy
{
    /// <summary>One of the thread pool.</summary>
    Pool,

    /// <summary>A poster's when that is in a section (<see cref="WorkHere"/>), or one of the pool: for an actor that is quick and waits for nothing.</summary>
    Poster,

    /// <summary>One of its own (<see cref="Hosting.OwnThread"/>), while there is something to do: for an actor that waits for the disk.</summary>
    OwnThread,

    /// <summary>The same, on what processor others leave: for an actor for which nobody waits.</summary>
    BackgroundThread,
}
