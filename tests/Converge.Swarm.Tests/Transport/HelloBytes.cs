using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm.Tests;

/// <summary>A greeting as a dialling node sends it.</summary>
internal static class HelloBytes
{
    public static byte[] Of(string cluster, ulong from, ulong to)
    {
        byte[] body = new Hello { Cluster = cluster, From = from, To = to }.ToByteArray();
        byte[] frame = new byte[Frame.HeaderBytes + body.Length];
        Frame.WriteHeader(frame, FrameKind.Hello, body.Length);
        body.CopyTo(frame, Frame.HeaderBytes);
        return frame;
    }
}
